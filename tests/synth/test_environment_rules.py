from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stacks.validation import unaccepted
from tests.synth.harness import Templates, only

Template = dict[str, Any]
Planted = Callable[[Template], object]
_MACHINES = "aws:autoscaling:launchconfiguration"
_HEALTH = "aws:elasticbeanstalk:healthreporting:system"
_UPDATES = "aws:elasticbeanstalk:managedactions"
_LOGS = "aws:elasticbeanstalk:cloudwatch:logs"
_LISTENER = "aws:elbv2:listener:default"
_CHANGES = "aws:autoscaling:updatepolicy:rollingupdate"
_TOLD = "aws:elasticbeanstalk:application:environment"


def _set(namespace: str, name: str, value: Any) -> Planted:
    """Give an option another value; None takes it away."""

    def plant(template: Template) -> None:
        properties = only(template, "AWS::ElasticBeanstalk::Environment")["Properties"]
        kept = [
            option
            for option in properties["OptionSettings"]
            if (option["Namespace"], option["OptionName"]) != (namespace, name)
        ]
        if value is not None:
            kept.append({"Namespace": namespace, "OptionName": name, "Value": value})
        properties["OptionSettings"] = kept

    return plant


def _forget_check(template: Template) -> None:
    live = only(template, "Custom::SlipwayLiveEnvironment")
    live.pop("DependsOn")
    live["Properties"]["EnvironmentName"] = "slipway-prod-iris-forest-blue"


ENVIRONMENT_FAULTS: list[tuple[str, Planted]] = [
    ("H-11[DB_PASSWORD]", _set(_TOLD, "DB_PASSWORD", "hunter2")),
    ("H-40", _set(_MACHINES, "IamInstanceProfile", "aws-elasticbeanstalk-ec2-role")),
    ("H-40", _set(_MACHINES, "IamInstanceProfile", None)),
    ("H-41", _set(_MACHINES, "DisableIMDSv1", "false")),
    ("H-41", _set(_MACHINES, "DisableIMDSv1", None)),
    ("H-42[SystemType]", _set(_HEALTH, "SystemType", "basic")),
    (
        "H-42[Application Healthcheck URL]",
        _set("aws:elasticbeanstalk:application", "Application Healthcheck URL", None),
    ),
    ("H-43", _set(_UPDATES, "ManagedActionsEnabled", "false")),
    ("H-43", _set(_UPDATES, "PreferredStartTime", None)),
    ("H-43", _set(f"{_UPDATES}:platformupdate", "UpdateLevel", None)),
    ("H-44[StreamLogs]", _set(_LOGS, "StreamLogs", "false")),
    ("H-44[StreamLogs]", _set(_LOGS, "RetentionInDays", None)),
    ("H-44[HealthStreamingEnabled]", _set(f"{_LOGS}:health", "DeleteOnTerminate", None)),
    ("H-46[LoadBalancerType]", _set("aws:elasticbeanstalk:environment", "LoadBalancerType", "classic")),
    ("H-46[LoadBalancerType]", _set("aws:elasticbeanstalk:environment", "LoadBalancerType", None)),
    (
        "H-46[HealthCheckPath]",
        _set("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath", None),
    ),
    ("H-47[DeploymentPolicy]", _set("aws:elasticbeanstalk:command", "DeploymentPolicy", "AllAtOnce")),
    ("H-47[DeploymentPolicy]", _set("aws:elasticbeanstalk:command", "DeploymentPolicy", "Rolling")),
    ("H-47[IgnoreHealthCheck]", _set("aws:elasticbeanstalk:command", "IgnoreHealthCheck", "true")),
    ("H-47[RollingUpdateType]", _set(_CHANGES, "RollingUpdateType", "Time")),
    ("H-47[RollingUpdateType]", _set(_CHANGES, "RollingUpdateEnabled", "false")),
    ("H-49[check]", _forget_check),
    ("H-49[cleanup]", lambda model: only(model, "AWS::ElasticBeanstalk::Environment").pop("DependsOn")),
]
# What can be wrong of one form only.
IN_DEFAULT_VPC: list[tuple[str, Planted]] = [
    ("H-14", _set(_TOLD, "SLIPWAY_IMAGE", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/slipway:latest")),
    ("H-46[zones]", _set("aws:autoscaling:asg", "Availability Zones", None)),
]
IN_OWN_VPC: list[tuple[str, Planted]] = [
    ("H-45[beside TLS]", _set(_LISTENER, "ListenerEnabled", "true")),
    ("H-45[beside TLS]", _set(_LISTENER, "ListenerEnabled", None)),
    ("H-46[zones]", _set("aws:ec2:vpc", "ELBSubnets", "subnet-11111111")),
    ("H-48", _set("aws:ec2:vpc", "AssociatePublicIpAddress", "true")),
    ("H-48", _set("aws:ec2:vpc", "AssociatePublicIpAddress", None)),
]
ALL_FAULTS = [*ENVIRONMENT_FAULTS, *IN_DEFAULT_VPC, *IN_OWN_VPC]
_CASES = [
    *(("prod", *fault) for fault in (*ENVIRONMENT_FAULTS, *IN_DEFAULT_VPC)),
    *(("prod-environment-vpc", *fault) for fault in (*ENVIRONMENT_FAULTS, *IN_OWN_VPC)),
]


@pytest.mark.parametrize(
    ("scenario", "expected", "plant"), _CASES, ids=[f"{scenario}-{fault}" for scenario, fault, _ in _CASES]
)
def test_a_planted_fault_is_found_and_nothing_else(
    scenario: str, expected: str, plant: Planted, templates: dict[str, Templates]
) -> None:
    model = json.loads(json.dumps(templates[scenario]["slipway-prod-iris-forest"]))
    assert unaccepted(model, "prod", "model") == []
    plant(model)
    assert [finding.rule for finding in unaccepted(model, "prod", "model")] == [expected]


def test_a_single_machine_needs_no_load_balancer(dev: Templates) -> None:
    template = dev["slipway-dev-iris-forest"]
    assert unaccepted(template, "dev", "model") == []
    settings = only(template, "AWS::ElasticBeanstalk::Environment")["Properties"]["OptionSettings"]
    assert ("EnvironmentType", "SingleInstance") in [(s["OptionName"], s["Value"]) for s in settings]
