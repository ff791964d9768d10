"""Every option of an environment on Elastic Beanstalk: the one table of them, by stage and model.

What is not here has Beanstalk's default. Names and values are those of "General options for all environments"
in the Elastic Beanstalk developer guide; the rest of it says why these were chosen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from stacks.beanstalk_combinations import Placed
from stacks.constructs.service_role import MANAGED_UPDATES_ROLE

HEALTH_PATH = "/ping"
HTTPS_PORT = 443
# TLS 1.3, and of TLS 1.2 the ciphers that check what they decrypt: "Security policies for your Application
# Load Balancer" in the guide of Elastic Load Balancing.
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
# A client's wrong request is no fault of the environment: by default, a few of them degrade its health, and
# with that fail a deployment. EnvironmentHealth is the one metric that CloudWatch gets for nothing.
_HEALTH_RULES = {
    "CloudWatchMetrics": {"Environment": {}, "Instance": {}},
    "Rules": {
        "Environment": {
            "Application": {"ApplicationRequests4xx": {"Enabled": False}},
            "ELB": {"ELBRequests4xx": {"Enabled": False}},
        }
    },
    "Version": 1,
}
_Options = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Option:
    """One option setting. Every value is text."""

    namespace: str
    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """What the stack makes, and the options name."""

    instance_profile: str
    """The name of the instance profile."""
    service_role: str
    """The ARN of the service role."""
    properties: Mapping[str, str]
    """The environment properties: what the container is told."""
    access_logs_bucket: str | None = None
    """The bucket for the load balancer's access logs; None where the stage keeps none."""


def options_of(placed: Placed, made: Made) -> tuple[Option, ...]:
    """Return the options of an environment, by namespace and name.

    Args:
        placed: the model's settings on a stage.
        made: what the stack makes for it.
    """
    options = {
        **_machines(placed, made),
        **_network(placed),
        **_deployments(placed),
        **_health_and_logs(placed),
        **_platform_updates(),
        "aws:elasticbeanstalk:environment": _environment(placed, made),
        "aws:elasticbeanstalk:application:environment": dict(made.properties),
    }
    if placed.stage.load_balanced:
        options |= {**_scaling(placed), **_load_balancer(placed, made)}
    return tuple(
        Option(namespace, name, value)
        for namespace, values in sorted(options.items())
        for name, value in sorted(values.items())
    )


def _environment(placed: Placed, made: Made) -> dict[str, str]:
    kind = {"EnvironmentType": "SingleInstance", "ServiceRole": made.service_role}
    if placed.stage.load_balanced:
        return kind | {"EnvironmentType": "LoadBalanced", "LoadBalancerType": "application"}
    return kind


def _machines(placed: Placed, made: Made) -> _Options:
    return {
        "aws:autoscaling:launchconfiguration": {
            "IamInstanceProfile": made.instance_profile,
            # These two also make Beanstalk use a launch template; new accounts have nothing else.
            "DisableIMDSv1": "true",
            "RootVolumeType": "gp3",
            # Two images and what a build leaves. There is no option for encryption: it is the account's
            # default for EBS.
            "RootVolumeSize": "16",
        },
        "aws:ec2:instances": {
            "InstanceTypes": ",".join(placed.serve.ec2_instance_types),
            "SupportedArchitectures": "x86_64",
            "EnableSpot": "false",
        },
        # With docker-compose.yml there is no nginx, whatever this says; our container has port 80.
        "aws:elasticbeanstalk:environment:proxy": {"ProxyServer": "none"},
    }


def _network(placed: Placed) -> _Options:
    """Return where machines and load balancer are; without a VPC they are in the account's default one."""
    serve = placed.serve
    if not serve.vpc_id:
        return {}
    if not placed.stage.load_balanced:
        # Its address is public: it stands where the load balancer would.
        subnets = serve.load_balancer_subnet_ids or serve.subnet_ids
        return {
            "aws:ec2:vpc": {
                "VPCId": serve.vpc_id,
                "Subnets": ",".join(subnets),
                "AssociatePublicIpAddress": "true",
            }
        }
    return {
        "aws:ec2:vpc": {
            "VPCId": serve.vpc_id,
            "Subnets": ",".join(serve.subnet_ids),
            "AssociatePublicIpAddress": "false",
            "ELBSubnets": ",".join(serve.load_balancer_subnet_ids),
            "ELBScheme": "internal" if serve.internal else "public",
        }
    }


def _scaling(placed: Placed) -> _Options:
    group = {"MinSize": str(placed.min_count), "MaxSize": str(placed.max_count)}
    if not placed.serve.vpc_id:  # else the subnets say which zones
        group["Availability Zones"] = "Any 2"
    return {
        "aws:autoscaling:asg": group,
        # Predicting is work of the processor. One machine more or less at a time, after five minutes.
        "aws:autoscaling:trigger": {
            "MeasureName": "CPUUtilization",
            "Statistic": "Average",
            "Unit": "Percent",
            "Period": "5",
            "EvaluationPeriods": "1",
            "BreachDuration": "5",
            "UpperThreshold": "60",
            "UpperBreachScaleIncrement": "1",
            "LowerThreshold": "20",
            "LowerBreachScaleIncrement": "-1",
        },
    }


def _load_balancer(placed: Placed, made: Made) -> _Options:
    options: _Options = {
        "aws:elasticbeanstalk:environment:process:default": {
            "Protocol": "HTTP",
            "Port": "80",
            "HealthCheckPath": HEALTH_PATH,
            "HealthCheckInterval": "10",
            "HealthCheckTimeout": "5",
            "HealthyThresholdCount": "3",
            "UnhealthyThresholdCount": "3",
            "MatcherHTTPCode": "200",
            # As long as the container has to end what it has begun.
            "DeregistrationDelay": "30",
            "StickinessEnabled": "false",
        },
        "aws:elbv2:loadbalancer": {"IdleTimeout": "60"},
        "aws:elbv2:listener:default": {"ListenerEnabled": "true", "Protocol": "HTTP"},
    }
    if made.access_logs_bucket:
        options["aws:elbv2:loadbalancer"] |= {
            "AccessLogsS3Enabled": "true",
            "AccessLogsS3Bucket": made.access_logs_bucket,
        }
    if placed.certificate_arn:
        options |= {
            "aws:elbv2:listener:default": {"ListenerEnabled": "false"},
            f"aws:elbv2:listener:{HTTPS_PORT}": {
                "ListenerEnabled": "true",
                "Protocol": "HTTPS",
                "SSLCertificateArns": placed.certificate_arn,
                "SSLPolicy": _TLS_POLICY,
                "DefaultProcess": "default",
            },
        }
    return options


def _deployments(placed: Placed) -> _Options:
    immutable = placed.serve.resolved_deployment(placed.stage) == "immutable"
    command = {
        "DeploymentPolicy": "Immutable" if immutable else "RollingWithAdditionalBatch",
        # How long a machine may take: to pull the image, or to build it.
        "Timeout": "1200" if placed.serve.resolved_package == "source" else "600",
        "IgnoreHealthCheck": "false",
    }
    if not immutable:
        command |= {"BatchSizeType": "Percentage", "BatchSize": "30"}
    # A change of settings replaces machines, too. Batch by batch needs room for one machine more.
    if immutable or placed.max_count == placed.min_count:
        settings = {"RollingUpdateType": "Immutable"}
    else:
        settings = {
            "RollingUpdateType": "Health",
            "MinInstancesInService": str(placed.min_count),
            "MaxBatchSize": "1",
        }
    return {
        "aws:elasticbeanstalk:command": command,
        "aws:autoscaling:updatepolicy:rollingupdate": {
            "RollingUpdateEnabled": "true",
            "Timeout": "PT30M",
            **settings,
        },
    }


def _health_and_logs(placed: Placed) -> _Options:
    kept = {
        "DeleteOnTerminate": "false" if placed.stage.retain_data else "true",
        "RetentionInDays": str(placed.stage.log_retention_days),
    }
    return {
        "aws:elasticbeanstalk:application": {"Application Healthcheck URL": HEALTH_PATH},
        "aws:elasticbeanstalk:healthreporting:system": {
            "SystemType": "enhanced",
            "EnhancedHealthAuthEnabled": "true",
            "HealthCheckSuccessThreshold": "Ok",
            "ConfigDocument": json.dumps(_HEALTH_RULES, separators=(",", ":")),
        },
        "aws:elasticbeanstalk:cloudwatch:logs": {"StreamLogs": "true", **kept},
        "aws:elasticbeanstalk:cloudwatch:logs:health": {"HealthStreamingEnabled": "true", **kept},
        # CloudWatch has them; no second copy in Beanstalk's bucket.
        "aws:elasticbeanstalk:hostmanager": {"LogPublicationControl": "false"},
    }


def _platform_updates() -> _Options:
    """Return when AWS brings a newer platform: new machines first, then the old ones go.

    An environment is then ahead of the version that is pinned here. CloudFormation compares templates, not
    environments, so a deploy with the same pin should leave it; one with a newer pin moves it there. That
    deploys do not go back to an older pin is inferred: where one does, the next window mends it.
    """
    return {
        "aws:elasticbeanstalk:managedactions": {
            "ManagedActionsEnabled": "true",
            "PreferredStartTime": "Sun:03:00",
            "ServiceRoleForManagedUpdates": MANAGED_UPDATES_ROLE,
        },
        "aws:elasticbeanstalk:managedactions:platformupdate": {
            "UpdateLevel": "minor",
            "InstanceRefreshEnabled": "false",
        },
    }
