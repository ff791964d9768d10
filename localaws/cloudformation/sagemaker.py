"""AWS::SageMaker::Model, ::EndpointConfig, ::Endpoint, ::ModelPackageGroup. `Ref` is the ARN, as on AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from localaws.cloudformation import Context, Created, HandlerError, Properties, ResourceType
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.service import SageMaker

_ENDPOINT_TIMEOUT_S = 15 * 60
_UPDATE_ONLY = ("RetainAllVariantProperties", "ExcludeRetainedVariantProperties")
_NOT_FOUND = ("Could not find", "ModelPackageGroup ")


class _Named:
    """What models and endpoint configurations share.

    Created and deleted in one call, never updated but in tags.
    """

    def __init__(self, service: SageMaker, kind: str) -> None:
        self._service = service
        self._kind = kind

    def create(self, props: Properties, context: Context) -> Created:
        """Create it under its own or a generated name."""
        name = props.get(f"{self._kind}Name") or context.generated_name
        with _reported():
            answer = self._call(context, f"Create{self._kind}", {**props, f"{self._kind}Name": name})
        return self._created(answer[f"{self._kind}Arn"], name)

    def update(self, physical_id: str, old: Properties, new: Properties, context: Context) -> Created:
        """Bring its tags up to date."""
        self._retag(physical_id, old, new, context)
        name = new.get(f"{self._kind}Name") or physical_id.rpartition("/")[2]
        return self._created(physical_id, name)

    def delete(self, physical_id: str, props: Properties, context: Context) -> None:
        """Delete it."""
        name = props.get(f"{self._kind}Name") or physical_id.rpartition("/")[2]
        with _reported(missing_is_fine=True):
            self._call(context, f"Delete{self._kind}", {f"{self._kind}Name": name})

    def _created(self, arn: str, name: str) -> Created:
        return arn, {f"{self._kind}Arn": arn, f"{self._kind}Name": name}

    def _call(self, context: Context, operation: str, request: dict[str, Any]) -> Any:
        return self._service.region(context.scope).call(operation, request)

    def _retag(self, arn: str, old: Properties, new: Properties, context: Context) -> None:
        gone = {tag["Key"] for tag in old.get("Tags") or []} - {tag["Key"] for tag in new.get("Tags") or []}
        with _reported():
            self._call(context, "DeleteTags", {"ResourceArn": arn, "TagKeys": sorted(gone)})
            self._call(context, "AddTags", {"ResourceArn": arn, "Tags": new.get("Tags") or []})


class _PackageGroup(_Named):
    """A model package group, which tells more of itself than its name."""

    def __init__(self, service: SageMaker) -> None:
        super().__init__(service, "ModelPackageGroup")

    def create(self, props: Properties, context: Context) -> Created:
        """Create it."""
        arn, _ = super().create(props, context)
        return arn, self._attributes(arn, context)

    def update(self, physical_id: str, old: Properties, new: Properties, context: Context) -> Created:
        """Bring its tags up to date."""
        arn, _ = super().update(physical_id, old, new, context)
        return arn, self._attributes(arn, context)

    def _attributes(self, arn: str, context: Context) -> dict[str, Any]:
        told = self._call(context, "DescribeModelPackageGroup", {"ModelPackageGroupName": arn})
        created = datetime.fromtimestamp(told["CreationTime"], UTC).isoformat(timespec="milliseconds")
        return {
            "ModelPackageGroupArn": arn,
            "CreationTime": created,
            "ModelPackageGroupStatus": told["ModelPackageGroupStatus"],
        }


class _Endpoint(_Named):
    """An endpoint.

    Create and update end when it has settled, so its FailureReason becomes the stack's reason.
    """

    def __init__(self, service: SageMaker) -> None:
        super().__init__(service, "Endpoint")

    def create(self, props: Properties, context: Context) -> Created:
        """Create it and wait until it serves; one that does not is taken down again."""
        arn, attributes = super().create(props, context)
        endpoint = self._service.region(context.scope).endpoints.get(attributes["EndpointName"])
        if endpoint.wait(_ENDPOINT_TIMEOUT_S) != "InService":
            reason = endpoint.failure_reason
            self.delete(arn, {**props, **attributes}, context)
            raise HandlerError(reason)
        return arn, attributes

    def update(self, physical_id: str, old: Properties, new: Properties, context: Context) -> Created:
        """Move it to its configuration and wait.

        It already serves that one after a failed update: nothing to do.
        """
        arn, attributes = super().update(physical_id, old, new, context)
        with _reported():
            endpoint = self._service.region(context.scope).endpoints.get(attributes["EndpointName"])
            wanted = new["EndpointConfigName"]
            if endpoint.config and endpoint.config.name == wanted and endpoint.status == "InService":
                return arn, attributes
            request = {"EndpointName": attributes["EndpointName"], "EndpointConfigName": wanted}
            retention = {member: new[member] for member in _UPDATE_ONLY if member in new}
            self._call(context, "UpdateEndpoint", {**request, **retention})
        endpoint.wait(_ENDPOINT_TIMEOUT_S)
        if endpoint.failure_reason:
            raise HandlerError(endpoint.failure_reason)
        return arn, attributes

    def delete(self, physical_id: str, props: Properties, context: Context) -> None:
        """Delete it and wait until its processes are gone."""
        name = props.get("EndpointName") or physical_id.rpartition("/")[2]
        endpoint = self._service.region(context.scope).endpoints.find(name)
        super().delete(physical_id, {**props, "EndpointName": name}, context)
        if endpoint:
            endpoint.wait(_ENDPOINT_TIMEOUT_S)


def resource_types(service: SageMaker) -> tuple[ResourceType, ...]:
    """Return the rows of the type table."""
    return (
        ResourceType("AWS::SageMaker::Model", "ModelName", _Named(service, "Model")),
        ResourceType(
            "AWS::SageMaker::EndpointConfig", "EndpointConfigName", _Named(service, "EndpointConfig")
        ),
        ResourceType("AWS::SageMaker::ModelPackageGroup", "ModelPackageGroupName", _PackageGroup(service)),
        ResourceType("AWS::SageMaker::Endpoint", "EndpointName", _Endpoint(service)),
    )


@contextmanager
def _reported(*, missing_is_fine: bool = False) -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        if not (missing_is_fine and error.message.startswith(_NOT_FOUND)):
            raise HandlerError(error.message) from error
