"""Model packages: the versions of a model that the registry keeps, and whether each may be deployed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker import names, shapes
from localaws.sagemaker.errors import validation_error
from localaws.sagemaker.listing import listed
from localaws.sagemaker.package_groups import PackageGroup, PackageGroups

PENDING = "PendingManualApproval"
_NOT_KEPT = ("Tags", "ClientToken", "ModelPackageName", "ModelPackageGroupName")
_REPLACED = ("ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelCard",
             "ModelLifeCycle", "ModelPackageRegistrationType")  # fmt: skip
_SUMMARIZED = (
    "ModelPackageDescription",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)


@dataclass
class Package:
    """One version of a group, or a package with a name of its own; `properties` are what was asked for."""

    arn: str
    identity: Mapping[str, Any]
    properties: dict[str, Any]
    created: float = field(default_factory=time.time)
    modified: float | None = None
    status: str = "Completed"

    @property
    def group(self) -> str | None:
        """The name of its group."""
        name = self.identity.get("ModelPackageGroupName")
        return None if name is None else str(name)

    def describe(self) -> dict[str, Any]:
        """Return the DescribeModelPackage answer."""
        modified = {"LastModifiedTime": self.modified} if self.modified is not None else {}
        return {
            "CertifyForMarketplace": False,
            **self.properties,
            **self._common(),
            **modified,
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        }

    def summary(self) -> dict[str, Any]:
        """Return this package's entry of a ListModelPackages answer."""
        told = {name: self.properties[name] for name in _SUMMARIZED if name in self.properties}
        return {**told, **self._common()}

    def update(self, request: Mapping[str, Any]) -> None:
        """Change what UpdateModelPackage names."""
        self.properties.update({name: request[name] for name in _REPLACED if name in request})
        metadata = {
            **self.properties.get("CustomerMetadataProperties", {}),
            **request.get("CustomerMetadataProperties", {}),
        }
        for key in request.get("CustomerMetadataPropertiesToRemove", []):
            metadata.pop(key, None)
        if metadata or "CustomerMetadataProperties" in self.properties:
            self.properties["CustomerMetadataProperties"] = metadata
        added = request.get("AdditionalInferenceSpecificationsToAdd", [])
        if added:
            before = self.properties.get("AdditionalInferenceSpecifications", [])
            self.properties["AdditionalInferenceSpecifications"] = [*before, *added]
        self.modified = time.time()

    def _common(self) -> dict[str, Any]:
        return {
            **self.identity,
            "ModelPackageArn": self.arn,
            "CreationTime": self.created,
            "ModelPackageStatus": self.status,
        }


class Packages:
    """The packages of one account and region, by what follows `model-package/` in their ARNs."""

    kind = "model-package"

    def __init__(self, scope: Scope, groups: PackageGroups) -> None:
        self._scope = scope
        self._groups = groups
        self.items: dict[str, Package] = {}

    def create(self, request: Mapping[str, Any]) -> Package:
        """Register the next version of a group, or a package of its own. Raises the ValidationException."""
        shapes.check("CreateModelPackage", request)
        name, group = request.get("ModelPackageName"), request.get("ModelPackageGroupName")
        if name and group:
            raise validation_error(
                "Both ModelPackageName and ModelPackageGroupName are provided in the input. Cannot determine "
                "which one to use."
            )
        if not name and not group:
            raise validation_error("Missing ARN.")
        properties = {key: value for key, value in request.items() if key not in _NOT_KEPT}
        if group:
            if request.get("Tags"):
                raise validation_error("Tags cannot be set on a versioned model package: its group has them.")
            return self._add_version(self._groups.get(group), properties)
        arn = names.arn(self._scope, self.kind, str(name))
        if arn.partition("/")[2] in self.items:
            raise validation_error(f"Model Package already exists: {arn}")
        return self._add(str(name), {"ModelPackageName": name}, properties)

    def get(self, named: str) -> Package:
        """Return a package by its ARN, its name, or group/version. Raises the ValidationException."""
        arn = named if named.startswith("arn:") else names.arn(self._scope, self.kind, named)
        for package in self.items.values():
            if package.arn == arn:
                return package
        raise validation_error(f"ModelPackage {arn} does not exist.")

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the DescribeModelPackage answer."""
        shapes.check("DescribeModelPackage", request)
        return self.get(request["ModelPackageName"]).describe()

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ListModelPackages answer: unversioned ones unless a group or a type is named."""
        shapes.check("ListModelPackages", request)
        group = request.get("ModelPackageGroupName")
        if group:
            wanted: Sequence[Package] = self.of(self._groups.get(group))
        else:
            kind = request.get("ModelPackageType", "Unversioned")
            versioned = {"Unversioned": (False,), "Versioned": (True,)}.get(kind, (False, True))
            wanted = [package for package in self.items.values() if (package.group is not None) in versioned]
        summaries = [package.summary() for package in wanted]
        ordered = {"SortOrder": "Ascending", **request}
        name = "ModelPackageGroupName" if group else "ModelPackageName"
        approval = {"ModelApprovalStatus": "ModelApprovalStatus"}
        return listed("ModelPackageSummaryList", summaries, ordered, name=name, equal=approval)

    def update(self, request: Mapping[str, Any]) -> Package:
        """Change a package, as its approval."""
        shapes.check("UpdateModelPackage", request)
        package = self.get(request["ModelPackageArn"])
        package.update(request)
        return package

    def delete(self, request: Mapping[str, Any]) -> Package:
        """Forget a package."""
        shapes.check("DeleteModelPackage", request)
        package = self.get(request["ModelPackageName"])
        del self.items[package.arn.partition("/")[2]]
        return package

    def delete_group(self, request: Mapping[str, Any]) -> PackageGroup:
        """Forget a group without packages."""
        shapes.check("DeleteModelPackageGroup", request)
        group = self._groups.get(request["ModelPackageGroupName"])
        self._groups.delete(group, len(self.of(group)))
        return group

    def of(self, group: PackageGroup) -> Sequence[Package]:
        """Return the versions of a group."""
        return [package for package in self.items.values() if package.group == group.name]

    def _add_version(self, group: PackageGroup, properties: dict[str, Any]) -> Package:
        group.last_version += 1
        identity = {"ModelPackageGroupName": group.name, "ModelPackageVersion": group.last_version}
        return self._add(
            f"{group.name}/{group.last_version}", identity, {"ModelApprovalStatus": PENDING, **properties}
        )

    def _add(self, path: str, identity: Mapping[str, Any], properties: dict[str, Any]) -> Package:
        arn = names.arn(self._scope, self.kind, path)
        self.items[arn.partition("/")[2]] = package = Package(arn, identity, properties)
        return package
