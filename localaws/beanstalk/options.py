"""The option settings of an environment or a template: what was asked for, over the defaults."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from localaws.beanstalk import option_table
from localaws.beanstalk.errors import ApiError

Key = tuple[str, str, str]
"""Namespace, name, and the resource that an option of a scheduled action is of; else ""."""
Setting = Mapping[str, Any]

MOST_INSTANCES = 4
"""How many instances an environment has here: what a machine of one's own can run."""
_PROPERTIES = "aws:elasticbeanstalk:application:environment"
_COMMAND = "aws:elasticbeanstalk:command"
_LOGS = "aws:elasticbeanstalk:cloudwatch:logs"
_PROCESS = "aws:elasticbeanstalk:environment:process:default"


class Options:
    """Settings by namespace and name. Immutable."""

    def __init__(self, values: Mapping[Key, str] | None = None) -> None:
        self._values = dict(values or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Options) and self._values == other._values

    __hash__ = None  # type: ignore[assignment]

    def changed(self, settings: Iterable[Setting], removed: Iterable[Setting] = ()) -> "Options":
        """Return these with other settings over them, and without those that are removed."""
        gone = {_key(entry) for entry in removed}
        kept = {key: value for key, value in self._values.items() if key not in gone}
        asked = {_key(entry): str(entry["Value"]) for entry in settings if entry.get("Value") is not None}
        return Options({**kept, **asked})

    def get(self, namespace: str, name: str) -> str | None:
        """Return a setting, or the default."""
        value = self._values.get((namespace, name, ""))
        return option_table.defaults().get((namespace, name)) if value is None else value

    def flag(self, namespace: str, name: str) -> bool:
        """Whether a setting is true."""
        return self.get(namespace, name) == "true"

    def describe(self) -> list[dict[str, str]]:
        """Return every setting with the defaults, as DescribeConfigurationSettings shows them."""
        every: dict[Key, str] = {
            (namespace, name, ""): value for (namespace, name), value in option_table.defaults().items()
        }
        every.update(self._values)
        return [
            {"Namespace": namespace, "OptionName": name, "Value": value}
            | ({"ResourceName": resource} if resource else {})
            for (namespace, name, resource), value in sorted(every.items())
        ]

    @property
    def properties(self) -> dict[str, str]:
        """The environment properties: what the application gets as variables."""
        return {name: value for (space, name, _), value in self._values.items() if space == _PROPERTIES}

    @property
    def load_balanced(self) -> bool:
        """Whether a load balancer stands before the instances."""
        return self.get("aws:elasticbeanstalk:environment", "EnvironmentType") == "LoadBalanced"

    @property
    def wanted_instances(self) -> int:
        """How many instances AWS would start."""
        return max(1, int(self.get("aws:autoscaling:asg", "MinSize") or 1)) if self.load_balanced else 1

    @property
    def instances(self) -> int:
        """How many instances there are here."""
        return min(self.wanted_instances, MOST_INSTANCES)

    @property
    def policy(self) -> str:
        """The deployment policy."""
        return self.get(_COMMAND, "DeploymentPolicy") or "AllAtOnce"

    def rollout(self) -> dict[str, Any]:
        """Return what a Deployment is told of these options, by its fields."""
        return {
            "properties": self.properties,
            "instances": self.instances,
            "policy": self.policy,
            "batch": self._batch,
            "ignore_health_check": self.flag(_COMMAND, "IgnoreHealthCheck"),
            "command_timeout_s": float(self.get(_COMMAND, "Timeout") or 600),
            "health_path": self.health_path,
            "process_port": int(self.get(_PROCESS, "Port") or 80),
            "health_interval_s": float(self.get(_PROCESS, "HealthCheckInterval") or 15),
            "healthy_threshold": int(self.get(_PROCESS, "HealthyThresholdCount") or 3),
            "unhealthy_threshold": int(self.get(_PROCESS, "UnhealthyThresholdCount") or 5),
            "log_retention_days": self.log_retention_days,
            "delete_logs_on_terminate": self.flag(_LOGS, "DeleteOnTerminate"),
            "drain_s": float(self.get(_PROCESS, "DeregistrationDelay") or 20),
        }

    @property
    def _batch(self) -> int:
        """How many instances are deployed to at a time; a percentage is rounded up."""
        size = int(self.get(_COMMAND, "BatchSize") or 100)
        if self.get(_COMMAND, "BatchSizeType") == "Percentage":
            size = math.ceil(self.instances * min(size, 100) / 100)
        return min(max(1, size), self.instances)

    @property
    def health_path(self) -> str:
        """Where an instance is asked whether it is well."""
        path = self.get("aws:elasticbeanstalk:application", "Application Healthcheck URL")
        if self.load_balanced and (_PROCESS, "HealthCheckPath", "") in self._values:
            path = self._values[_PROCESS, "HealthCheckPath", ""]
        return path or "/"

    @property
    def instance_profile(self) -> str | None:
        """The instance profile: its name, or its ARN."""
        return self.get("aws:autoscaling:launchconfiguration", "IamInstanceProfile")

    @property
    def service_role(self) -> str | None:
        """The service role: its name, or its ARN."""
        return self.get("aws:elasticbeanstalk:environment", "ServiceRole")

    @property
    def log_retention_days(self) -> int | None:
        """How long streamed logs stay; None where logs are not streamed."""
        return int(self.get(_LOGS, "RetentionInDays") or 7) if self.flag(_LOGS, "StreamLogs") else None

    @property
    def certificates(self) -> dict[str, str]:
        """The certificate of every listener that has one, by the listener's namespace."""
        return {
            space: value
            for (space, name, _), value in self._values.items()
            if space.startswith("aws:elbv2:listener:") and name == "SSLCertificateArns" and value
        }


def _key(entry: Setting) -> Key:
    return str(entry.get("Namespace", "")), str(entry.get("OptionName", "")), entry.get("ResourceName") or ""


def faults(settings: Iterable[Setting]) -> list[dict[str, str]]:
    """Return what is wrong with settings, as ValidateConfigurationSettings shows it.

    The words for unknown options are AWS's own; those about values are inferred from them.
    """
    return [
        {
            "Namespace": namespace,
            "OptionName": name,
            "Severity": "error",
            "Message": fault,
        }
        for entry in settings
        for namespace, name, _ in [_key(entry)]
        if (fault := _fault(namespace, name, entry.get("Value")))
    ]


def check(settings: Iterable[Setting]) -> None:
    """Raise the ConfigurationValidationException of the first fault."""
    for fault in faults(settings):
        raise validation_error(fault["Message"])


def validation_error(message: str) -> ApiError:
    """Return the error for settings that an environment cannot have."""
    return ApiError("ConfigurationValidationException", f"Configuration validation exception: {message}")


def invalid_option(namespace: str, name: str, value: str, why: str) -> str:
    """Return the words for a value that an option cannot have."""
    return f"Invalid option value: '{value}' (Namespace: '{namespace}', OptionName: '{name}'): {why}"


def _fault(namespace: str, name: str, value: str | None) -> str | None:
    option = option_table.find(namespace, name)
    if option is None:
        return (
            f"Invalid option specification (Namespace: '{namespace}', OptionName: '{name}'): "
            "Unknown configuration setting."
        )
    if value is None:
        return None
    if option.choices and value not in option.choices:
        return invalid_option(namespace, name, value, f"Value is not one of {', '.join(option.choices)}.")
    if option.numbers:
        low, high = option.numbers
        if not value.lstrip("-").isdecimal():
            return invalid_option(namespace, name, value, "Value is not a whole number.")
        if not low <= int(value) <= high:
            return invalid_option(namespace, name, value, f"Value is not between {low} and {high}.")
    return None
