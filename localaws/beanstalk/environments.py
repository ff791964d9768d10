"""The environments of one account and region: made, found, changed, and remembered for an hour after."""

import time
from collections.abc import Mapping
from typing import Any

from localaws.beanstalk import names, options, platforms
from localaws.beanstalk.applications import Applications
from localaws.beanstalk.configuration import Configuration
from localaws.beanstalk.description import described
from localaws.beanstalk.environment import Environment
from localaws.beanstalk.errors import ApiError, invalid_combination, invalid_value
from localaws.beanstalk.events import Events
from localaws.beanstalk.listing import page
from localaws.beanstalk.options import Options
from localaws.beanstalk.parts import Parts
from localaws.ports import Scope

_REMEMBERED_S = 3600.0  # AWS shows a terminated environment for about an hour
_TIERS: tuple[dict[str, str], ...] = ({}, {"Name": "WebServer", "Type": "Standard"})


class Environments:
    """Every environment that is not forgotten, the oldest first."""

    def __init__(self, parts: Parts, scope: Scope, applications: Applications, events: Events) -> None:
        self._parts = parts
        self._scope = scope
        self._applications = applications
        self._events = events
        self._every: list[Environment] = []

    @property
    def every(self) -> list[Environment]:
        """Those that exist, and those that were terminated within the last hour."""
        since = time.time() - _REMEMBERED_S
        # A copy, since other threads look on while one is made.
        return [item for item in tuple(self._every) if item.status != "Terminated" or item.updated > since]

    @property
    def items(self) -> dict[str, Environment]:
        """Those that exist, by name."""
        return {item.name: item for item in self.every if item.status != "Terminated"}

    def create(self, request: Mapping[str, Any]) -> Environment:
        """Begin to start an environment. Raises ApiError."""
        application = self._applications.asked(request)
        name = names.checked_environment_name(names.required(request, "EnvironmentName"))
        if name in self.items:
            raise invalid_value(f"Environment {name} already exists.")
        _check_tier(request)
        if request.get("CNAMEPrefix"):
            raise invalid_combination(
                "The embedded AWS has no DNS: it chooses every environment's CNAME. Leave CNAMEPrefix out."
            )
        template = application.template(request["TemplateName"]) if request.get("TemplateName") else None
        platform = platforms.find(request, self._scope.region) or (template.platform if template else None)
        if platform is None:
            raise invalid_combination(
                "You must specify one of SolutionStackName, PlatformArn or TemplateName."
            )
        if not request.get("VersionLabel"):
            raise invalid_combination(
                "The embedded AWS has no sample application. Create an application version, and name it in "
                "VersionLabel."
            )
        version = application.version(request["VersionLabel"])
        wanted = Configuration(
            version,
            platform,
            self._asked(template.options if template else Options(), request),
            template.name if template else "",
        )
        environment = Environment(self._parts, self._scope, self._events, application.name, name, wanted)
        environment.description = request.get("Description") or ""
        self._every[:] = [*self.every, environment]
        environment.launch()
        return environment

    def update(self, request: Mapping[str, Any]) -> Environment:
        """Begin to change an environment. Raises ApiError."""
        environment = self.find(request)
        _check_tier(request)
        application = self._applications.get(environment.application)
        label, name = request.get("VersionLabel"), request.get("TemplateName")
        before = environment.current
        base = application.template(name).options if name else before.options
        wanted = before.changed(
            application.version(label) if label else None,
            platforms.find(request, self._scope.region),
            self._asked(base, request),
        )
        environment.update(wanted)
        environment.description = request.get("Description", environment.description)
        return environment

    def find(self, request: Mapping[str, Any], *, name: str = "EnvironmentName") -> Environment:
        """Return the environment that a request names by name or id. Raises ApiError."""
        id_member = name.replace("Name", "Id")
        asked_name, asked_id = request.get(name), request.get(id_member)
        if not (asked_name or asked_id):
            raise ApiError(
                "MissingParameter", f"The request must contain the parameter {name} or {id_member}."
            )
        for environment in self.items.values():
            if asked_name in (None, "", environment.name) and asked_id in (None, "", environment.id):
                return environment
        member, value = (id_member, asked_id) if asked_id else (name, asked_name)
        raise invalid_value(f"No Environment found for {member} = '{value}'.")

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer DescribeEnvironments. Terminated ones are among them unless IncludeDeleted is false."""
        deleted = request.get("IncludeDeleted", True)
        back_to = request.get("IncludedDeletedBackTo", 0.0)
        asked = {
            member: (request[member], attribute)
            for member, attribute in (
                ("ApplicationName", "application"),
                ("EnvironmentIds", "id"),
                ("EnvironmentNames", "name"),
            )
            if request.get(member)
        }
        found = [
            item
            for item in self.every
            if (item.status != "Terminated" or (deleted and item.updated >= back_to))
            and all(
                getattr(item, attribute) in (value if isinstance(value, list) else [value])
                for value, attribute in asked.values()
            )
            and request.get("VersionLabel") in (None, "", item.current.version.label)
        ]
        shown, token = page(found, request, 1000)
        return {"Environments": [described(item) for item in shown], "NextToken": token}

    def of(self, application: str) -> list[Environment]:
        """Return an application's environments that exist."""
        return [item for item in self.items.values() if item.application == application]

    def _asked(self, base: Options, request: Mapping[str, Any]) -> Options:
        settings = request.get("OptionSettings") or ()
        options.check(settings)
        wanted = base.changed(settings, request.get("OptionsToRemove") or ())
        _check_together(wanted)
        self._check_resources(wanted)
        return wanted

    def _check_resources(self, wanted: Options) -> None:
        """Refuse what is not there at once, in words that name it.

        AWS refuses a missing instance profile so. That a certificate or a service role is missing it says in
        the events of the launch, which then fails.
        """
        if (profile := wanted.instance_profile) and not self._parts.account.role_of_profile(
            self._scope, profile
        ):
            raise options.validation_error(
                options.invalid_option(
                    "aws:autoscaling:launchconfiguration", "IamInstanceProfile", profile,
                    f"The instance profile {profile} associated with the environment does not exist.",
                )
            )  # fmt: skip
        role = wanted.service_role
        if role and self._parts.account.role_arn(self._scope, role) is None:
            raise options.validation_error(
                options.invalid_option(
                    "aws:elasticbeanstalk:environment", "ServiceRole", role,
                    f"The service role {role} does not exist.",
                )
            )  # fmt: skip
        for namespace, arn in wanted.certificates.items():
            if fault := self._certificate_fault(arn):
                raise options.validation_error(
                    options.invalid_option(namespace, "SSLCertificateArns", arn, fault)
                )

    def _certificate_fault(self, arn: str) -> str | None:
        parts = arn.split(":")
        region = parts[3] if len(parts) > 3 else ""
        if parts[:3] == ["arn", "aws", "acm"] and region != self._scope.region:
            return (
                f"The certificate is in {region}, and a load balancer of {self._scope.region} needs one "
                "of its own region."
            )
        if parts[2:3] == ["acm"] and not self._parts.account.has_certificate(self._scope, arn):
            return f"ACM has no such certificate in {self._scope.region}."
        return None


def _check_together(wanted: Options) -> None:
    """Refuse options that contradict each other.

    The words about immutable updates are AWS's own (hypothesis/deployment#60); it says them in an event.
    """
    kind = wanted.get("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateType")
    if kind == "Immutable" and wanted.policy != "Immutable":
        raise options.validation_error(
            "To enable immutable config and application deployments together, you must set both the "
            "DeploymentPolicy option (aws:elasticbeanstalk:command namespace) and the RollingUpdateType "
            "option (aws:autoscaling:updatepolicy:rollingupdate namespace) to Immutable."
        )
    low, high = (wanted.get("aws:autoscaling:asg", name) or "1" for name in ("MinSize", "MaxSize"))
    if int(low) > int(high):
        raise options.validation_error(
            options.invalid_option("aws:autoscaling:asg", "MinSize", low, f"MaxSize is {high}.")
        )


def _check_tier(request: Mapping[str, Any]) -> None:
    tier = {name: value for name, value in (request.get("Tier") or {}).items() if name != "Version"}
    if tier not in _TIERS:
        raise invalid_combination(
            "The embedded AWS has web server environments only: Tier WebServer/Standard."
        )
