"""The options of environments: each of them in the template, by stage, and what the settings change."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stacks.beanstalk_combinations import Placed
from stacks.environment_options import Made, options_of
from stacks.serve_settings import ServeSection
from stacks.settings import load_stage
from stacks.template_reading import rendered
from tests.synth.environment_table import (
    ASG,
    BEANSTALK,
    COMMAND,
    ELSEWHERE,
    EXPECTED,
    INSTANCES,
    LISTENER,
    PROPERTIES,
    ROLLING,
    VPC,
)
from tests.synth.harness import CERTIFICATE, ROOT, Templates, only

ROWS = [(scenario, *row) for scenario, rows in EXPECTED.items() for row in rows]


def options(templates: dict[str, Templates], scenario: str) -> dict[tuple[str, str], Any]:
    """Return the options of the environment in a template; none is there twice."""
    stage = scenario.partition("-")[0]
    template = templates[scenario][f"slipway-{stage}-iris-forest"]
    settings = only(template, "AWS::ElasticBeanstalk::Environment")["Properties"]["OptionSettings"]
    found = {(option["Namespace"], option["OptionName"]): option["Value"] for option in settings}
    assert len(found) == len(settings)
    return found


@pytest.mark.parametrize(("scenario", "namespace", "name", "value"), ROWS)
def test_every_option_reaches_the_template(
    scenario: str, namespace: str, name: str, value: str, templates: dict[str, Templates]
) -> None:
    assert rendered(options(templates, scenario)[namespace, name]) == value


@pytest.mark.parametrize("scenario", EXPECTED)
def test_no_option_is_without_a_test(scenario: str, templates: dict[str, Templates]) -> None:
    expected = {(namespace, name) for namespace, name, _ in EXPECTED[scenario]}
    assert len(expected) == len(EXPECTED[scenario])
    image = set() if scenario == "prod-environment-vpc" else {(PROPERTIES, "SLIPWAY_IMAGE")}
    assert (
        options(templates, scenario).keys()
        == expected | (ELSEWHERE - {(PROPERTIES, "SLIPWAY_IMAGE")}) | image
    )


def test_a_client_s_mistakes_do_not_make_an_environment_unhealthy(prod: Templates) -> None:
    found = options({"prod": prod}, "prod")[BEANSTALK + "healthreporting:system", "ConfigDocument"]
    document = json.loads(found)
    rules = document["Rules"]["Environment"]
    assert rules["Application"]["ApplicationRequests4xx"]["Enabled"] is False
    assert rules["ELB"]["ELBRequests4xx"]["Enabled"] is False
    # Every metric named here would cost.
    assert document["CloudWatchMetrics"] == {"Environment": {}, "Instance": {}}
    assert document["Version"] == 1


def test_the_image_is_the_one_thing_that_only_a_deploy_can_tell(prod: Templates) -> None:
    found = options({"prod": prod}, "prod")
    assert ".dkr.ecr." in rendered(found[PROPERTIES, "SLIPWAY_IMAGE"])
    assert "/slipway-prod:" in rendered(found[PROPERTIES, "SLIPWAY_IMAGE"])


def _changed(stage: str, **serve: Any) -> set[tuple[str, str, str | None]]:
    """Return what some settings change of the options; None is what goes."""
    made = Made(instance_profile="profile", service_role="role", properties={})

    def table(section: ServeSection) -> dict[tuple[str, str], str]:
        found = options_of(Placed(load_stage(ROOT, stage), section), made)
        return {(option.namespace, option.name): option.value for option in found}

    before = table(ServeSection(target="beanstalk"))
    after = table(ServeSection(target="beanstalk", **serve))
    return {
        (*key, after.get(key)) for key in before.keys() | after.keys() if before.get(key) != after.get(key)
    }


OWN_VPC: dict[str, Any] = {"vpc_id": "vpc-01234567", "subnet_ids": ("subnet-01234567",)}
TWO = ("subnet-11111111", "subnet-22222222")


@pytest.mark.parametrize(
    ("stage", "serve", "changed"),
    [
        ("prod", {"ec2_instance_types": ("c5.large",)}, {(INSTANCES, "InstanceTypes", "c5.large")}),
        ("prod", {"instance_count": 3}, {(ASG, "MinSize", "3"), (ASG, "MaxSize", "6")}),
        ("prod", {"max_instance_count": 9}, {(ASG, "MaxSize", "9")}),
        ("prod", {"package": "source"}, {(COMMAND, "Timeout", "1200")}),
        (
            "prod",
            {"deployment": "rolling"},
            {
                (COMMAND, "DeploymentPolicy", "RollingWithAdditionalBatch"),
                (COMMAND, "BatchSizeType", "Percentage"),
                (COMMAND, "BatchSize", "30"),
                (ROLLING, "RollingUpdateType", "Health"),
                (ROLLING, "MinInstancesInService", "2"),
                (ROLLING, "MaxBatchSize", "1"),
            },
        ),
        # Without room for one more, a change of settings would stop the only machine first.
        (
            "local",
            {"max_instance_count": 1},
            {
                (ASG, "MaxSize", "1"),
                (COMMAND, "DeploymentPolicy", "Immutable"),
                (COMMAND, "BatchSizeType", None),
                (COMMAND, "BatchSize", None),
                (ROLLING, "RollingUpdateType", "Immutable"),
                (ROLLING, "MinInstancesInService", None),
                (ROLLING, "MaxBatchSize", None),
            },
        ),
        (
            "prod",
            {**OWN_VPC, "load_balancer_subnet_ids": TWO, "internal": True},
            {
                (VPC, "VPCId", "vpc-01234567"),
                (VPC, "Subnets", "subnet-01234567"),
                (VPC, "AssociatePublicIpAddress", "false"),
                (VPC, "ELBSubnets", ",".join(TWO)),
                (VPC, "ELBScheme", "internal"),
                (ASG, "Availability Zones", None),
            },
        ),
        (
            "dev",
            OWN_VPC,
            {
                (VPC, "VPCId", "vpc-01234567"),
                (VPC, "Subnets", "subnet-01234567"),
                (VPC, "AssociatePublicIpAddress", "true"),
            },
        ),
        (
            "dev",
            {**OWN_VPC, "load_balancer_subnet_ids": TWO},
            {
                (VPC, "VPCId", "vpc-01234567"),
                (VPC, "Subnets", ",".join(TWO)),
                (VPC, "AssociatePublicIpAddress", "true"),
            },
        ),
        (
            "prod",
            {"certificate_arn": CERTIFICATE, "domain_name": "iris.example.com"},
            {
                (LISTENER + "default", "ListenerEnabled", "false"),
                (LISTENER + "default", "Protocol", None),
                (LISTENER + "443", "ListenerEnabled", "true"),
                (LISTENER + "443", "Protocol", "HTTPS"),
                (LISTENER + "443", "DefaultProcess", "default"),
                (LISTENER + "443", "SSLCertificateArns", CERTIFICATE),
                (LISTENER + "443", "SSLPolicy", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"),
            },
        ),
        # Loopback has no TLS, and a single machine none either.
        ("local", {"certificate_arn": CERTIFICATE, "domain_name": "iris.example.com"}, set()),
        ("dev", {"certificate_arn": CERTIFICATE, "domain_name": "iris.example.com"}, set()),
        ("dev", {"instance_count": 3, "max_instance_count": 6, "deployment": "rolling"}, set()),
        # It is another platform's ARN, and no option.
        ("prod", {"platform_version": "4.13.8"}, set()),
    ],
)  # fmt: skip
def test_a_setting_changes_its_own_options_alone(
    stage: str, serve: dict[str, Any], changed: set[tuple[str, str, str | None]]
) -> None:
    assert _changed(stage, **serve) == changed


def test_no_number_is_outside_what_beanstalk_takes() -> None:
    """The bounds of "General options for all environments"."""
    made = Made(instance_profile="profile", service_role="role", properties={})
    bounds = {
        "RootVolumeSize": (10, 16384),
        "HealthCheckInterval": (5, 300),
        "HealthCheckTimeout": (1, 60),
        "HealthyThresholdCount": (2, 10),
        "UnhealthyThresholdCount": (2, 10),
        "DeregistrationDelay": (0, 3600),
        "IdleTimeout": (1, 3600),
        "BatchSize": (1, 100),
        "BreachDuration": (1, 600),
    }
    for stage in ("local", "dev", "prod"):
        placed = Placed(load_stage(ROOT, stage), ServeSection(target="beanstalk"))
        found = {option.name: option.value for option in options_of(placed, made)}
        for name, (least, most) in bounds.items():
            assert least <= int(found.get(name, least)) <= most, name
        if "Period" in found:
            period = int(found["Period"]) * int(found["EvaluationPeriods"])
            assert int(found["BreachDuration"]) == period
