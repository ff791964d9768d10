"""SageMaker models: an image, an archive in S3, environment variables and the role they run under."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localaws.images import ImageTable
from localaws.ports import AccessDeniedError, NotFoundError, Ports, Scope
from localaws.sagemaker import names
from localaws.sagemaker.errors import already_exists, not_found, validation_error
from localaws.sagemaker.packages import Packages
from localaws.sagemaker.roles import PRINCIPAL, assume

_S3_URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")


@dataclass(frozen=True)
class Container:
    """What one model server runs. `archive` is (bucket, key), or None for an image that brings its model."""

    image: str
    archive: tuple[str, str] | None
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Model:
    """A created model; `request` is what DescribeModel gives back."""

    name: str
    arn: str
    role_arn: str
    container: Container
    request: Mapping[str, Any]
    created: float = field(default_factory=time.time)

    def describe(self) -> dict[str, Any]:
        """Return the DescribeModel answer."""
        return {**self.request, "ModelName": self.name, "ModelArn": self.arn, "CreationTime": self.created}

    def summary(self) -> dict[str, Any]:
        """Return this model's entry of a ListModels answer."""
        return {"ModelName": self.name, "ModelArn": self.arn, "CreationTime": self.created}


class Models:
    """The models of one account and region."""

    kind = "model"

    def __init__(self, scope: Scope, ports: Ports, images: ImageTable, packages: Packages) -> None:
        self._scope = scope
        self._ports = ports
        self._images = images
        self._packages = packages
        self.items: dict[str, Model] = {}

    def create(self, request: Mapping[str, Any]) -> Model:
        """Check the request as SageMaker does, the image and the archive's access included, and keep it."""
        name = names.checked_name(request, "ModelName")
        role_arn = names.checked_role(request, "ExecutionRoleArn")
        arn = names.arn(self._scope, self.kind, name)
        if name in self.items:
            raise already_exists(self.kind, arn)
        container = _container(request, self._packages)
        self._images.find(container.image, role_arn, lambda: assume(self._ports, role_arn, arn, self._scope))
        if container.archive:
            self._check_archive(role_arn, arn, *container.archive)
        kept = {key: value for key, value in request.items() if key != "Tags"}
        self.items[name] = Model(name, arn, role_arn, container, kept)
        return self.items[name]

    def get(self, name: str) -> Model:
        """Return a model. Raises the ValidationException for an unknown name."""
        if name not in self.items:
            raise not_found(self.kind, names.arn(self._scope, self.kind, name))
        return self.items[name]

    def delete(self, name: str) -> Model:
        """Forget a model. Endpoints that run it go on, as on AWS."""
        model = self.get(name)
        del self.items[name]
        return model

    def _check_archive(self, role_arn: str, arn: str, bucket: str, key: str) -> None:
        try:
            session = self._ports.roles.assume(role_arn, service=PRINCIPAL, source_arn=arn, scope=self._scope)
            self._ports.objects.check(bucket, key, session)
        except (AccessDeniedError, NotFoundError) as error:
            raise validation_error(unreadable(role_arn, bucket, key, self._scope)) from error


def unreadable(role_arn: str, bucket: str, key: str, scope: Scope) -> str:
    """Return SageMaker's text for an archive that the role cannot read.

    It does not say which part is missing.
    """
    return (
        f'Could not access model data at s3://{bucket}/{key}. Please ensure that the role "{role_arn}" '
        f"exists "
        'and that its trust relationship policy allows the action "sts:AssumeRole" for the service principal '
        f'"{PRINCIPAL}". Also ensure that the role has "s3:GetObject" permissions and that the object is '
        f"located "
        f"in {scope.region}."
    )


def _container(request: Mapping[str, Any], packages: Packages) -> Container:
    containers = request.get("Containers") or []
    definition = request.get("PrimaryContainer") or (containers[0] if len(containers) == 1 else None)
    if definition is None:
        raise validation_error(
            "Only models with one container run on the embedded AWS: give PrimaryContainer, not a pipeline."
        )
    if definition.get("Mode", "SingleModel") != "SingleModel":
        raise validation_error(
            "Only models with one model a container run on the embedded AWS: Mode must be SingleModel."
        )
    if package := definition.get("ModelPackageName"):
        definition = {**definition, **_packaged(package, definition, packages)}
    source = definition.get("ModelDataSource", {}).get("S3DataSource", {})
    if source.get("CompressionType", "Gzip") != "Gzip":
        raise validation_error("Only gzip archives run on the embedded AWS: CompressionType must be Gzip.")
    uri = definition.get("ModelDataUrl") or source.get("S3Uri")
    return Container(
        image=names.required(definition, "Image"),
        archive=_archive(uri) if uri else None,
        environment=dict(definition.get("Environment") or {}),
    )


def _packaged(name: str, definition: Mapping[str, Any], packages: Packages) -> dict[str, Any]:
    """Return the container that a model package stands for; the model's own variables go before its."""
    containers = packages.get(name).properties.get("InferenceSpecification", {}).get("Containers") or []
    if len(containers) != 1:
        raise validation_error(
            f"Only packages of one container run on the embedded AWS, and {name} has {len(containers)}."
        )
    variables = {**(containers[0].get("Environment") or {}), **(definition.get("Environment") or {})}
    return {**containers[0], "Environment": variables}


def _archive(uri: str) -> tuple[str, str]:
    match = _S3_URI.fullmatch(uri)
    if not match:
        raise validation_error(f"Invalid S3 URI: {uri}")
    return match["bucket"], match["key"]
