"""Tags of SageMaker resources, by ARN."""

from collections.abc import Mapping, Sequence

from localaws.sagemaker.errors import validation_error


class Tags:
    """The tags of one account and region."""

    def __init__(self) -> None:
        self._by_arn: dict[str, dict[str, str]] = {}

    def add(self, arn: str, tags: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
        """Set tags, given as SageMaker takes them, and return all the resource has."""
        if any("Key" not in tag or "Value" not in tag for tag in tags):
            raise validation_error("Each tag needs a Key and a Value.")
        self._by_arn.setdefault(arn, {}).update({tag["Key"]: tag["Value"] for tag in tags})
        return self.list(arn)

    def list(self, arn: str) -> list[dict[str, str]]:
        """Return a resource's tags as SageMaker lists them."""
        return [{"Key": key, "Value": value} for key, value in sorted(self._by_arn.get(arn, {}).items())]

    def delete(self, arn: str, keys: Sequence[str]) -> None:
        """Remove some of a resource's tags."""
        for key in keys:
            self._by_arn.get(arn, {}).pop(key, None)

    def forget(self, arn: str) -> None:
        """Remove all of a resource's tags, as it is gone."""
        self._by_arn.pop(arn, None)
