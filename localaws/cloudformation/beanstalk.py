"""AWS::ElasticBeanstalk::Application, ::ApplicationVersion, ::ConfigurationTemplate, ::Environment.

An Environment is complete once it is Ready, also where its application did not start or an update went back
to the version before: that is what AWS's handler does, and the environment's events tell the rest. It fails
where the call is refused, or where the environment itself could not be made.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from localaws.beanstalk.environment import Environment
from localaws.beanstalk.errors import ApiError
from localaws.beanstalk.service import Beanstalk
from localaws.cloudformation import Context, Created, HandlerError, Properties, ResourceType

_TIMEOUT_S = 15 * 60
_LONGEST_LABEL = 100
_Request = dict[str, Any]


class _Handler:
    """What all types share."""

    def __init__(self, service: Beanstalk) -> None:
        self._service = service

    def _call(self, context: Context, operation: str, request: Mapping[str, Any]) -> Any:
        with _reported(operation):
            return self._service.region(context.scope).call(operation, _sent(request))


class _Application(_Handler):
    """An application. `Ref` is its name."""

    def create(self, props: Properties, context: Context) -> Created:
        """Create it under its own or a generated name."""
        name = props.get("ApplicationName") or context.generated_name
        self._call(context, "CreateApplication", {**props, "ApplicationName": name})
        return name, {}

    def update(self, physical_id: str, old: Properties, new: Properties, context: Context) -> Created:  # noqa: ARG002
        """Change description and lifecycle."""
        request = {"ApplicationName": physical_id, "Description": new.get("Description", "")}
        self._call(context, "UpdateApplication", request)
        if lifecycle := new.get("ResourceLifecycleConfig"):
            request = {"ApplicationName": physical_id, "ResourceLifecycleConfig": lifecycle}
            self._call(context, "UpdateApplicationResourceLifecycle", request)
        return physical_id, {}

    def delete(self, physical_id: str, props: Properties, context: Context) -> None:  # noqa: ARG002
        """Delete it; an environment of it that still runs is a refusal."""
        self._call(context, "DeleteApplication", {"ApplicationName": physical_id})


class _Version(_Handler):
    """An application version. `Ref` is its label, which CloudFormation generates."""

    def create(self, props: Properties, context: Context) -> Created:
        """Create it under a generated label."""
        label = context.generated_name[:_LONGEST_LABEL]
        self._call(context, "CreateApplicationVersion", {**props, "VersionLabel": label})
        return label, {"Id": label}

    def update(self, physical_id: str, old: Properties, new: Properties, context: Context) -> Created:  # noqa: ARG002
        """Change the description."""
        request = {
            "ApplicationName": new["ApplicationName"],
            "VersionLabel": physical_id,
            "Description": new.get("Description", ""),
        }
        self._call(context, "UpdateApplicationVersion", request)
        return physical_id, {"Id": physical_id}

    def delete(self, physical_id: str, props: Properties, context: Context) -> None:
        """Delete it, but not its bundle."""
        request = {"ApplicationName": props["ApplicationName"], "VersionLabel": physical_id}
        self._call(context, "DeleteApplicationVersion", request)


class _Template(_Handler):
    """A configuration template. `Ref` is its generated name."""

    def create(self, props: Properties, context: Context) -> Created:
        """Create it."""
        self._call(context, "CreateConfigurationTemplate", {**props, "TemplateName": context.generated_name})
        return context.generated_name, {"TemplateName": context.generated_name}

    def update(self, physical_id: str, old: Properties, new: Properties, context: Context) -> Created:
        """Change options and description."""
        request = {
            "ApplicationName": new["ApplicationName"],
            "TemplateName": physical_id,
            "Description": new.get("Description", ""),
            **_changed_options(old, new),
        }
        self._call(context, "UpdateConfigurationTemplate", request)
        return physical_id, {"TemplateName": physical_id}

    def delete(self, physical_id: str, props: Properties, context: Context) -> None:
        """Delete it."""
        request = {"ApplicationName": props["ApplicationName"], "TemplateName": physical_id}
        self._call(context, "DeleteConfigurationTemplate", request)


class _Environment(_Handler):
    """An environment. `Ref` is its name, `EndpointURL` its load balancer's or instance's address."""

    def create(self, props: Properties, context: Context) -> Created:
        """Create it, and wait until it is Ready."""
        name = props.get("EnvironmentName") or f"{context.generated_name[:31]}-{uuid.uuid4().hex[:8]}"
        self._call(context, "CreateEnvironment", {**props, "EnvironmentName": name})
        environment = self._find(name, context)
        if environment is None or environment.wait(_TIMEOUT_S) != "Ready":
            reason = _errors(environment) if environment else ""
            raise HandlerError(
                f"Environment failed to launch as it entered Terminated state. {reason}".rstrip()
            )
        return self._created(environment)

    def update(self, physical_id: str, old: Properties, new: Properties, context: Context) -> Created:
        """Bring it to its new properties, and wait until it is Ready again."""
        environment = self._found(physical_id, context)
        self._retag(environment, old, new, context)
        unchanged = {"ApplicationName", "EnvironmentName", "OptionSettings", "Tags", "CNAMEPrefix"}
        members = {
            member: value
            for member, value in new.items()
            if member not in unchanged and value != old.get(member)
        }
        options = _changed_options(old, new)
        if members or options["OptionSettings"] or options["OptionsToRemove"]:
            environment.wait(_TIMEOUT_S)
            self._call(context, "UpdateEnvironment", {"EnvironmentName": physical_id, **members, **options})
            environment.wait(_TIMEOUT_S)
        return self._created(environment)

    def delete(self, physical_id: str, props: Properties, context: Context) -> None:  # noqa: ARG002
        """Terminate it, and wait until its instances are gone."""
        environment = self._find(physical_id, context)
        if environment is None or environment.wait(_TIMEOUT_S) == "Terminated":
            return
        self._call(context, "TerminateEnvironment", {"EnvironmentName": physical_id})
        environment.wait(_TIMEOUT_S)

    def _retag(self, environment: Environment, old: Properties, new: Properties, context: Context) -> None:
        tags = {tag["Key"]: tag["Value"] for tag in new.get("Tags") or []}
        gone = [tag["Key"] for tag in old.get("Tags") or [] if tag["Key"] not in tags]
        if new.get("Tags") != old.get("Tags"):
            request = {
                "ResourceArn": environment.arn,
                "TagsToAdd": new.get("Tags") or [],
                "TagsToRemove": gone,
            }
            self._call(context, "UpdateTagsForResource", request)

    def _find(self, name: str, context: Context) -> Environment | None:
        every = self._service.region(context.scope).environments.every
        return next((item for item in reversed(every) if item.name == name), None)

    def _found(self, name: str, context: Context) -> Environment:
        environment = self._find(name, context)
        if environment is None or environment.status == "Terminated":
            raise HandlerError(f"No Environment found for EnvironmentName = '{name}'.")
        return environment

    def _created(self, environment: Environment) -> Created:
        return environment.name, {"EndpointURL": environment.endpoint}


def resource_types(service: Beanstalk) -> tuple[ResourceType, ...]:
    """Return the rows of the type table."""
    return (
        ResourceType("AWS::ElasticBeanstalk::Application", "ApplicationName", _Application(service)),
        ResourceType("AWS::ElasticBeanstalk::ApplicationVersion", "Id", _Version(service)),
        ResourceType("AWS::ElasticBeanstalk::ConfigurationTemplate", "TemplateName", _Template(service)),
        ResourceType("AWS::ElasticBeanstalk::Environment", "EnvironmentName", _Environment(service)),
    )


def _sent(request: Mapping[str, Any]) -> _Request:
    """Return a request as an SDK would send it: option values are text, whatever the template says."""
    settings = [
        {**entry, "Value": _text(entry["Value"])} if "Value" in entry else entry
        for entry in request.get("OptionSettings") or ()
    ]
    return {**request, "OptionSettings": settings} if settings else dict(request)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _changed_options(old: Properties, new: Properties) -> _Request:
    """Return what an update sends of options: those of another value, and those that are gone."""

    def keyed(props: Properties) -> dict[tuple[str, ...], Any]:
        members = ("Namespace", "OptionName", "ResourceName")
        return {
            tuple(entry.get(member) or "" for member in members): entry
            for entry in props.get("OptionSettings") or ()
        }

    before, after = keyed(old), keyed(new)
    return {
        "OptionSettings": [entry for key, entry in after.items() if before.get(key) != entry],
        "OptionsToRemove": [entry for key, entry in before.items() if key not in after],
    }


def _errors(environment: Environment) -> str:
    return " ".join(environment.errors())


@contextmanager
def _reported(operation: str) -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        missing = error.message.startswith(("No Environment", "No Application"))
        if not (missing and operation.startswith(("Delete", "Terminate"))):
            status = f"(Service: ElasticBeanstalk, Status Code: {error.status})"
            raise HandlerError(f"{error.message} {status}") from error
