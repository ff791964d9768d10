"""Tags of Elastic Beanstalk's resources, by ARN."""

from collections.abc import Iterable, Mapping

from localaws.beanstalk.errors import ApiError

_MOST = 50


class Tags:
    """Key and value pairs."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}

    def add(self, arn: str, tags: Iterable[Mapping[str, str]]) -> None:
        """Set tags. Raises ApiError where there would be more than fifty."""
        wanted = {**self._tags.get(arn, {}), **{tag.get("Key", ""): tag.get("Value", "") for tag in tags}}
        if len(wanted) > _MOST:
            raise ApiError("TooManyTagsException", f"The resource would have more than {_MOST} tags.")
        if wanted:
            self._tags[arn] = wanted

    def remove(self, arn: str, keys: Iterable[str]) -> None:
        """Remove tags; one that is gone is fine."""
        for key in keys:
            self._tags.get(arn, {}).pop(key, None)

    def list(self, arn: str) -> list[dict[str, str]]:
        """Return a resource's tags."""
        return [{"Key": key, "Value": value} for key, value in sorted(self._tags.get(arn, {}).items())]

    def forget(self, arn: str) -> None:
        """Remove a resource's tags with it."""
        self._tags.pop(arn, None)
