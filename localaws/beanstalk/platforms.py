"""The platform versions that exist here: Docker on Amazon Linux 2023.

AWS takes old versions away after some months. The embedded AWS has the newest and two before it; any other
fails as a version does that is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.beanstalk.errors import invalid_value
from localaws.beanstalk.listing import page

BRANCH = "Docker running on 64bit Amazon Linux 2023"
_VERSIONS = ("4.13.7", "4.13.1", "4.9.1")  # the newest first; from the platform's release notes
_STARTED = 1_675_209_600.0  # 2023-02-01, when the branch began


@dataclass(frozen=True)
class Platform:
    """One platform version in one region."""

    region: str
    version: str

    @property
    def arn(self) -> str:
        """The ARN; platforms of AWS have no account."""
        return f"arn:aws:elasticbeanstalk:{self.region}::platform/{BRANCH}/{self.version}"

    @property
    def solution_stack(self) -> str:
        """The older name of the same thing."""
        return f"64bit Amazon Linux 2023 v{self.version} running Docker"

    @property
    def recommended(self) -> bool:
        """Whether it is the newest."""
        return self.version == _VERSIONS[0]

    def summary(self) -> dict[str, Any]:
        """Return its entry of a ListPlatformVersions answer."""
        return {
            "PlatformArn": self.arn,
            "PlatformOwner": "AWSElasticBeanstalk",
            "PlatformStatus": "Ready",
            "PlatformCategory": "Docker",
            "OperatingSystemName": "Amazon Linux",
            "OperatingSystemVersion": "2023",
            "SupportedTierList": ["WebServer/Standard", "Worker/SQS/HTTP"],
            "SupportedAddonList": ["Log/S3", "WorkerDaemon/SQSD"],
            "PlatformLifecycleState": "Recommended" if self.recommended else "",
            "PlatformVersion": self.version,
            "PlatformBranchName": BRANCH,
            "PlatformBranchLifecycleState": "Supported",
        }

    def describe(self) -> dict[str, Any]:
        """Return the DescribePlatformVersion answer."""
        return {
            **{name: value for name, value in self.summary().items() if name != "SupportedAddonList"},
            "PlatformName": BRANCH,
            "SolutionStackName": self.solution_stack,
            "DateCreated": _STARTED,
            "DateUpdated": _STARTED,
            "Description": "64bit Amazon Linux 2023 running Docker",
            "Maintainer": "aws-elasticbeanstalk-platforms@amazon.com",
            "ProgrammingLanguages": [],
            "Frameworks": [{"Name": "Docker", "Version": "25"}],
            "CustomAmiList": [],
        }


def platforms(region: str) -> list[Platform]:
    """Return all of a region, the newest first."""
    return [Platform(region, version) for version in _VERSIONS]


def find(request: Mapping[str, Any], region: str) -> Platform | None:
    """Return the platform that a request names; None where it names none. Raises ApiError."""
    if (arn := request.get("PlatformArn")) is not None:
        named = next((found for found in platforms(region) if found.arn == arn), None)
        if named is None:
            raise invalid_value(f"No Platform named '{arn}' found.")
        return named
    if (name := request.get("SolutionStackName")) is not None:
        named = next((found for found in platforms(region) if found.solution_stack == name), None)
        if named is None:
            raise invalid_value(f"No Solution Stack named '{name}' found.")
        return named
    return None


def list_versions(request: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Answer ListPlatformVersions, whose filters name a member's value with `=` or `!=` and so on."""
    summaries = [platform.summary() for platform in platforms(region)]
    found = [entry for entry in summaries if _matches(entry, request.get("Filters") or ())]
    shown, token = page(found, request, 100)
    return {"PlatformSummaryList": list(shown), "NextToken": token}


def list_branches(request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer ListPlatformBranches."""
    branch = {
        "PlatformName": "Docker",
        "BranchName": BRANCH,
        "LifecycleState": "Supported",
        "BranchOrder": 0,
        "SupportedTierList": ["WebServer/Standard", "Worker/SQS/HTTP"],
    }
    filters = [
        {"Type": entry.get("Attribute"), "Operator": entry.get("Operator"), "Values": entry.get("Values")}
        for entry in request.get("Filters") or ()
    ]
    return {"PlatformBranchSummaryList": [branch] if _matches(branch, filters) else []}


def _matches(entry: Mapping[str, Any], filters: Any) -> bool:
    return all(_passes(entry, asked) for asked in filters)


def _passes(entry: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    member = str(asked.get("Type", ""))
    aliases = {"PlatformName": "PlatformBranchName", "TierType": "SupportedTierList"}
    actual = entry.get(member, entry.get(aliases.get(member, ""), ""))
    values = asked.get("Values") or []
    if isinstance(actual, list):
        return any(value in actual for value in values)
    tests = {
        "=": actual in values,
        "in": actual in values,
        "!=": actual not in values,
        "not_in": actual not in values,
        "begins_with": actual.startswith(tuple(values)),
        "ends_with": actual.endswith(tuple(values)),
        "contains": any(value in actual for value in values),
    }
    return bool(tests.get(str(asked.get("Operator") or "="), False))
