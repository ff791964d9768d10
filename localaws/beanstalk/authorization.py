"""Which right a request needs: the action, and the ARN of what it acts on."""

from collections.abc import Mapping
from typing import Any

from localaws.beanstalk import names, protocol
from localaws.beanstalk.errors import ApiError
from localaws.beanstalk.region import Region

# Operations on application versions and templates, and the member that names one.
_PARTS = {
    "CreateApplicationVersion": ("applicationversion", "VersionLabel"),
    "UpdateApplicationVersion": ("applicationversion", "VersionLabel"),
    "DeleteApplicationVersion": ("applicationversion", "VersionLabel"),
    "CreateConfigurationTemplate": ("configurationtemplate", "TemplateName"),
    "UpdateConfigurationTemplate": ("configurationtemplate", "TemplateName"),
    "DeleteConfigurationTemplate": ("configurationtemplate", "TemplateName"),
}
_NAMES = ("EnvironmentName", "SourceEnvironmentName")
_IDS = ("EnvironmentId", "SourceEnvironmentId")


def action_and_resource(body: bytes, region: Region) -> tuple[str, str]:
    """Return action and ARN; "*" where an operation acts on nothing in particular, or on many.

    A swap is checked against its source alone, and a list of environments against the first one: AWS
    checks both, and leaves out of a list what the caller may not see (DescribeEnvironments, API reference).
    """
    operation = protocol.operation_of(body)
    try:
        _, request = protocol.parse(body)
    except ApiError:
        request = {}
    return f"elasticbeanstalk:{operation}", _resource(operation, request, region)


def _resource(operation: str, request: Mapping[str, Any], region: Region) -> str:
    scope, application = region.scope, request.get("ApplicationName")
    if arn := request.get("ResourceArn") or request.get("PlatformArn" if "Platform" in operation else ""):
        return str(arn)
    if operation in _PARTS and application:
        kind, member = _PARTS[operation]
        return names.arn(scope, kind, application, str(request.get(member, "")))
    if environment := _environment(request, region):
        return environment
    if application and "Events" not in operation and operation != "DescribeEnvironments":
        return names.arn(scope, "application", application)
    return "*"


def _environment(request: Mapping[str, Any], region: Region) -> str | None:
    """Return the first environment that a request names, whether it exists or not yet."""
    listed_names, listed_ids = request.get("EnvironmentNames") or [], request.get("EnvironmentIds") or []
    found_names = [request[member] for member in _NAMES if request.get(member)] or listed_names
    found_ids = [request[member] for member in _IDS if request.get(member)] or listed_ids
    for item in reversed(region.environments.every):
        if item.name in found_names[:1] or item.id in found_ids[:1]:
            return item.arn
    application = request.get("ApplicationName")
    if found_names and application:
        return names.arn(region.scope, "environment", application, found_names[0])
    return None
