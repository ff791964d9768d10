"""Every option of an environment on Elastic Beanstalk: the one table of them, by stage and model.

What is not here has Beanstalk's default. Names and values are those of "General options for all environments"
in the Elastic Beanstalk developer guide; the rest of it says why these were chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stacks.beanstalk_combinations import Placed
from stacks.operation_options import HEALTH_PATH, Options, operation_options

HTTPS_PORT = 443
# TLS 1.3, and of TLS 1.2 the ciphers that check what they decrypt: "Security policies for your Application
# Load Balancer" in the guide of Elastic Load Balancing.
_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"


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
        **operation_options(placed),
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


def _machines(placed: Placed, made: Made) -> Options:
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


def _network(placed: Placed) -> Options:
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


def _scaling(placed: Placed) -> Options:
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


def _load_balancer(placed: Placed, made: Made) -> Options:
    options: Options = {
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
