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
_NAMES = ("EnvironmentName", "SourceEnvironmentName", "DestinationEnvironmentName")
_LISTS = ("DescribeEnvironments", "DescribeEvents")


def action_and_resources(body: bytes, region: Region) -> tuple[str, list[str]]:
    """Return the action, and the ARN of everything it acts on: "*" for nothing in particular.

    AWS leaves out of a list what the caller may not see (DescribeEnvironments, API reference); here the
    request is denied.
    """
    operation = protocol.operation_of(body)
    try:
        _, request = protocol.parse(body)
    except ApiError:
        request = {}
    return f"elasticbeanstalk:{operation}", _resources(operation, request, region)


def _resources(operation: str, request: Mapping[str, Any], region: Region) -> list[str]:
    scope, application = region.scope, request.get("ApplicationName")
    if arn := request.get("ResourceArn") or request.get("PlatformArn" if "Platform" in operation else ""):
        return [str(arn)]
    if operation in _PARTS and application:
        kind, member = _PARTS[operation]
        return [names.arn(scope, kind, application, str(request.get(member, "")))]
    if environments := _environments(request, region):
        return environments
    if application and operation not in _LISTS:
        return [names.arn(scope, "application", application)]
    return ["*"]


def _environments(request: Mapping[str, Any], region: Region) -> list[str]:
    """Return the environments that a request names, whether they exist or not yet."""
    asked = [request.get(member) for member in _NAMES] + (request.get("EnvironmentNames") or [])
    ids = [request.get(member.replace("Name", "Id")) for member in _NAMES]
    ids += request.get("EnvironmentIds") or []
    every = {item.name: item.arn for item in region.environments.every}
    by_id = {item.id: item.arn for item in region.environments.every}
    application = request.get("ApplicationName") or "*"
    found = [
        every.get(name) or names.arn(region.scope, "environment", application, name) for name in asked if name
    ]
    return list(dict.fromkeys(found + [by_id[found_id] for found_id in ids if found_id in by_id]))
