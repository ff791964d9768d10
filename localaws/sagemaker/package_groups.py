"""Model package groups: the folders of the model registry."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker import names, shapes
from localaws.sagemaker.errors import ApiError, validation_error
from localaws.sagemaker.listing import listed


@dataclass
class PackageGroup:
    """A group; `last_version` is the highest that was ever given, as none is given twice."""

    name: str
    arn: str
    request: Mapping[str, Any]
    created: float = field(default_factory=time.time)
    last_version: int = 0
    status: str = "Completed"

    def summary(self) -> dict[str, Any]:
        """Return this group's entry of a ListModelPackageGroups answer."""
        return {
            **self.request,
            "ModelPackageGroupName": self.name,
            "ModelPackageGroupArn": self.arn,
            "CreationTime": self.created,
            "ModelPackageGroupStatus": self.status,
        }

    def describe(self) -> dict[str, Any]:
        """Return the DescribeModelPackageGroup answer."""
        return {**self.summary(), "CreatedBy": {}}


class PackageGroups:
    """The groups of one account and region."""

    kind = "model-package-group"

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.items: dict[str, PackageGroup] = {}

    def create(self, request: Mapping[str, Any]) -> PackageGroup:
        """Make a group. Raises the ValidationException."""
        shapes.check("CreateModelPackageGroup", request)
        name = request["ModelPackageGroupName"]
        arn = names.arn(self._scope, self.kind, name)
        if name in self.items:
            raise validation_error(f"Model Package Group already exists: {arn}")
        kept = {key: value for key, value in request.items() if key == "ModelPackageGroupDescription"}
        self.items[name] = PackageGroup(name, arn, kept)
        return self.items[name]

    def get(self, named: str) -> PackageGroup:
        """Return a group by its name or ARN. Raises the ValidationException for an unknown one."""
        arn = named if named.startswith("arn:") else names.arn(self._scope, self.kind, named)
        found = [group for group in self.items.values() if named in (group.name, group.arn)]
        if not found:
            raise validation_error(f"ModelPackageGroup {arn} does not exist.")
        return found[0]

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the DescribeModelPackageGroup answer."""
        shapes.check("DescribeModelPackageGroup", request)
        return self.get(request["ModelPackageGroupName"]).describe()

    def list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ListModelPackageGroups answer."""
        shapes.check("ListModelPackageGroups", request)
        summaries = [group.summary() for group in self.items.values()]
        ordered = {"SortOrder": "Ascending", **request}
        return listed("ModelPackageGroupSummaryList", summaries, ordered, name="ModelPackageGroupName")

    def delete(self, group: PackageGroup, packages: int) -> None:
        """Forget a group. Raises the ConflictException while it has packages."""
        if packages:
            raise ApiError(
                "ConflictException",
                "Model Package Group cannot be deleted because it still contains Model Packages.",
            )
        del self.items[group.name]
