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
from tests.synth.harness import CERTIFICATE, ROOT, Templates, only

ASG, TRIGGER = "aws:autoscaling:asg", "aws:autoscaling:trigger"
LAUNCH, INSTANCES = "aws:autoscaling:launchconfiguration", "aws:ec2:instances"
ROLLING, VPC = "aws:autoscaling:updatepolicy:rollingupdate", "aws:ec2:vpc"
BEANSTALK = "aws:elasticbeanstalk:"
ENVIRONMENT, COMMAND = BEANSTALK + "environment", BEANSTALK + "command"
LOGS, PROCESS = BEANSTALK + "cloudwatch:logs", ENVIRONMENT + ":process:default"
PROPERTIES = BEANSTALK + "application:environment"
BALANCER, LISTENER = "aws:elbv2:loadbalancer", "aws:elbv2:listener:"
# namespace, name, value
Row = tuple[str, str, str]
EVERYWHERE: list[Row] = [
    (LAUNCH, "DisableIMDSv1", "true"),
    (LAUNCH, "IamInstanceProfile", "<InstanceProfile>"),
    (LAUNCH, "RootVolumeSize", "16"),
    (LAUNCH, "RootVolumeType", "gp3"),
    (INSTANCES, "EnableSpot", "false"),
    (INSTANCES, "InstanceTypes", "t3.small"),
    (INSTANCES, "SupportedArchitectures", "x86_64"),
    (ENVIRONMENT, "ServiceRole", "<ServiceRole4288B192.Arn>"),
    (ENVIRONMENT + ":proxy", "ProxyServer", "none"),
    (BEANSTALK + "application", "Application Healthcheck URL", "/ping"),
    (COMMAND, "IgnoreHealthCheck", "false"),
    (ROLLING, "RollingUpdateEnabled", "true"),
    (ROLLING, "Timeout", "PT30M"),
    (BEANSTALK + "healthreporting:system", "SystemType", "enhanced"),
    (BEANSTALK + "healthreporting:system", "EnhancedHealthAuthEnabled", "true"),
    (BEANSTALK + "healthreporting:system", "HealthCheckSuccessThreshold", "Ok"),
    (LOGS, "StreamLogs", "true"),
    (LOGS + ":health", "HealthStreamingEnabled", "true"),
    (BEANSTALK + "hostmanager", "LogPublicationControl", "false"),
    (BEANSTALK + "managedactions", "ManagedActionsEnabled", "true"),
    (BEANSTALK + "managedactions", "PreferredStartTime", "Sun:03:00"),
    (
        BEANSTALK + "managedactions",
        "ServiceRoleForManagedUpdates",
        "AWSServiceRoleForElasticBeanstalkManagedUpdates",
    ),
    (BEANSTALK + "managedactions:platformupdate", "UpdateLevel", "minor"),
    (BEANSTALK + "managedactions:platformupdate", "InstanceRefreshEnabled", "false"),
    (PROPERTIES, "SLIPWAY_VARIANT", "champion"),
]
BALANCED: list[Row] = [
    (ENVIRONMENT, "EnvironmentType", "LoadBalanced"),
    (ENVIRONMENT, "LoadBalancerType", "application"),
    (TRIGGER, "MeasureName", "CPUUtilization"),
    (TRIGGER, "Statistic", "Average"),
    (TRIGGER, "Unit", "Percent"),
    (TRIGGER, "Period", "5"),
    (TRIGGER, "EvaluationPeriods", "1"),
    (TRIGGER, "BreachDuration", "5"),
    (TRIGGER, "UpperThreshold", "60"),
    (TRIGGER, "UpperBreachScaleIncrement", "1"),
    (TRIGGER, "LowerThreshold", "20"),
    (TRIGGER, "LowerBreachScaleIncrement", "-1"),
    (PROCESS, "Protocol", "HTTP"),
    (PROCESS, "Port", "80"),
    (PROCESS, "HealthCheckPath", "/ping"),
    (PROCESS, "HealthCheckInterval", "10"),
    (PROCESS, "HealthCheckTimeout", "5"),
    (PROCESS, "HealthyThresholdCount", "3"),
    (PROCESS, "UnhealthyThresholdCount", "3"),
    (PROCESS, "MatcherHTTPCode", "200"),
    (PROCESS, "DeregistrationDelay", "30"),
    (PROCESS, "StickinessEnabled", "false"),
    (BALANCER, "IdleTimeout", "60"),
]
PLAIN: list[Row] = [
    (ASG, "Availability Zones", "Any 2"),
    (LISTENER + "default", "ListenerEnabled", "true"),
    (LISTENER + "default", "Protocol", "HTTP"),
]
KEPT: list[Row] = [
    (LOGS, "DeleteOnTerminate", "false"),
    (LOGS, "RetentionInDays", "365"),
    (LOGS + ":health", "DeleteOnTerminate", "false"),
    (LOGS + ":health", "RetentionInDays", "365"),
    (BALANCER, "AccessLogsS3Enabled", "true"),
    (BALANCER, "AccessLogsS3Bucket", "<AccessLogsBucketName>"),
    (ASG, "MinSize", "2"),
    (ASG, "MaxSize", "4"),
]
EXPECTED: dict[str, list[Row]] = {
    "local": [
        *EVERYWHERE,
        *BALANCED,
        *PLAIN,
        (ASG, "MinSize", "1"),
        (ASG, "MaxSize", "2"),
        (COMMAND, "DeploymentPolicy", "RollingWithAdditionalBatch"),
        (COMMAND, "BatchSizeType", "Percentage"),
        (COMMAND, "BatchSize", "30"),
        (COMMAND, "Timeout", "600"),
        (ROLLING, "RollingUpdateType", "Health"),
        (ROLLING, "MinInstancesInService", "1"),
        (ROLLING, "MaxBatchSize", "1"),
        (LOGS, "DeleteOnTerminate", "true"),
        (LOGS, "RetentionInDays", "7"),
        (LOGS + ":health", "DeleteOnTerminate", "true"),
        (LOGS + ":health", "RetentionInDays", "7"),
    ],
    "dev": [
        *EVERYWHERE,
        (ENVIRONMENT, "EnvironmentType", "SingleInstance"),
        (COMMAND, "DeploymentPolicy", "Immutable"),
        (COMMAND, "Timeout", "600"),
        (ROLLING, "RollingUpdateType", "Immutable"),
        (LOGS, "DeleteOnTerminate", "true"),
        (LOGS, "RetentionInDays", "14"),
        (LOGS + ":health", "DeleteOnTerminate", "true"),
        (LOGS + ":health", "RetentionInDays", "14"),
    ],
    "prod": [
        *EVERYWHERE,
        *BALANCED,
        *PLAIN,
        *KEPT,
        (COMMAND, "DeploymentPolicy", "Immutable"),
        (COMMAND, "Timeout", "600"),
        (ROLLING, "RollingUpdateType", "Immutable"),
    ],
    "prod-environment-vpc": [
        *EVERYWHERE,
        *BALANCED,
        *KEPT,
        (COMMAND, "DeploymentPolicy", "RollingWithAdditionalBatch"),
        (COMMAND, "BatchSizeType", "Percentage"),
        (COMMAND, "BatchSize", "30"),
        (COMMAND, "Timeout", "1200"),
        (ROLLING, "RollingUpdateType", "Health"),
        (ROLLING, "MinInstancesInService", "2"),
        (ROLLING, "MaxBatchSize", "1"),
        (VPC, "VPCId", "vpc-0123456789abcdef0"),
        (VPC, "Subnets", "subnet-0123456789abcdef0,subnet-0123456789abcdef1"),
        (VPC, "AssociatePublicIpAddress", "false"),
        (VPC, "ELBSubnets", "subnet-11111111,subnet-22222222"),
        (VPC, "ELBScheme", "public"),
        (LISTENER + "default", "ListenerEnabled", "false"),
        (LISTENER + "443", "ListenerEnabled", "true"),
        (LISTENER + "443", "Protocol", "HTTPS"),
        (LISTENER + "443", "DefaultProcess", "default"),
        (LISTENER + "443", "SSLCertificateArns", CERTIFICATE),
        (LISTENER + "443", "SSLPolicy", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"),
    ],
}
# Their values are a model's, or long; each has a test of its own.
ELSEWHERE = {
    (PROPERTIES, "SLIPWAY_IMAGE"),
    (BEANSTALK + "healthreporting:system", "ConfigDocument"),
}


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
