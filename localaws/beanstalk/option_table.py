"""The options that an environment has, with their defaults and what their values may be.

From the Developer Guide's general options for all environments and those of the Docker platform. Options of
classic load balancers are not listed: an environment here has an application load balancer or none.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Option:
    """One option: its default, and what a value may be: one of `choices`, a whole number, true or false."""

    default: str | None = None
    choices: tuple[str, ...] = ()
    numbers: tuple[int, int] | None = None
    free: bool = False
    """Whether the name is the person's own."""

    @property
    def value_type(self) -> str:
        """As DescribeConfigurationOptions names it."""
        if self.choices == _BOOLEANS:
            return "Boolean"
        return "Scalar"


_BOOLEANS = ("true", "false")
_RETENTION = (
    "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1096",
    "1827", "2192", "2557", "2922", "3288", "3653",
)  # fmt: skip
ANY = "*"


def _flag(default: str | None = "false") -> Option:
    return Option(default, _BOOLEANS)


def _number(default: str | None, low: int, high: int) -> Option:
    return Option(default, numbers=(low, high))


def _texts(names: str) -> dict[str, Option]:
    return {name: Option() for name in names.split(",")}


_TABLE: dict[str, dict[str, Option]] = {
    "aws:autoscaling:asg": {
        "Availability Zones": Option("Any", ("Any", "Any 1", "Any 2", "Any 3")),
        "Cooldown": _number("360", 0, 10_000),
        "Custom Availability Zones": Option(),
        "EnableCapacityRebalancing": _flag(),
        "MinSize": _number("1", 0, 10_000),
        "MaxSize": _number("4", 0, 10_000),
    },
    "aws:autoscaling:launchconfiguration": {
        **_texts(
            "IamInstanceProfile,EC2KeyName,ImageId,InstanceType,SecurityGroups,SSHSourceRestriction,"
            "RootVolumeType,RootVolumeSize,RootVolumeIOPS,RootVolumeThroughput,BlockDeviceMappings"
        ),
        "DisableIMDSv1": _flag("true"),
        "DisableDefaultEC2SecurityGroup": _flag(),
        "LaunchTemplateTagPropagationEnabled": _flag(),
        "MonitoringInterval": Option("5 minute", ("1 minute", "5 minute")),
    },
    "aws:autoscaling:scheduledaction": _texts(
        "StartTime,EndTime,MaxSize,MinSize,DesiredCapacity,Recurrence,Suspend"
    ),
    "aws:autoscaling:trigger": {
        "BreachDuration": _number("5", 1, 600),
        "EvaluationPeriods": _number("1", 1, 600),
        "LowerBreachScaleIncrement": Option("-1"),
        "LowerThreshold": _number("2000000", 0, 20_000_000),
        "MeasureName": Option("NetworkOut"),
        "Period": _number("5", 1, 600),
        "Statistic": Option("Average", ("Minimum", "Maximum", "Sum", "Average")),
        "Unit": Option("Bytes"),
        "UpperBreachScaleIncrement": Option("1"),
        "UpperThreshold": _number("6000000", 0, 20_000_000),
    },
    "aws:autoscaling:updatepolicy:rollingupdate": {
        "MaxBatchSize": _number(None, 1, 10_000),
        "MinInstancesInService": _number(None, 0, 9_999),
        "PauseTime": Option(),
        "RollingUpdateEnabled": _flag(),
        "RollingUpdateType": Option("Time", ("Time", "Health", "Immutable")),
        "Timeout": Option("PT30M"),
    },
    "aws:ec2:instances": {
        **_texts("InstanceTypes,SupportedArchitectures,SpotMaxPrice,SpotAllocationStrategy"),
        "EnableSpot": _flag(),
        "SpotFleetOnDemandBase": _number("0", 0, 10_000),
        "SpotFleetOnDemandAboveBasePercentage": _number(None, 0, 100),
    },
    "aws:ec2:vpc": {
        **_texts("VPCId,Subnets,ELBSubnets,DBSubnets"),
        "AssociatePublicIpAddress": _flag(None),
        "ELBScheme": Option("public", ("public", "internal")),
    },
    "aws:elasticbeanstalk:application": _texts("Application Healthcheck URL"),
    "aws:elasticbeanstalk:application:environment": {ANY: Option(free=True)},
    "aws:elasticbeanstalk:cloudwatch:logs": {
        "StreamLogs": _flag(),
        "DeleteOnTerminate": _flag(),
        "RetentionInDays": Option("7", _RETENTION),
    },
    "aws:elasticbeanstalk:cloudwatch:logs:health": {
        "HealthStreamingEnabled": _flag(),
        "DeleteOnTerminate": _flag(),
        "RetentionInDays": Option("7", _RETENTION),
    },
    "aws:elasticbeanstalk:command": {
        "DeploymentPolicy": Option(
            "AllAtOnce",
            ("AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable"),
        ),
        "Timeout": _number("600", 1, 3_600),
        "BatchSizeType": Option("Percentage", ("Percentage", "Fixed")),
        "BatchSize": _number("100", 1, 10_000),
        "IgnoreHealthCheck": _flag(),
    },
    "aws:elasticbeanstalk:control": {
        **_texts("DefaultSSHPort,LaunchTimeout,LaunchType"),
        "RollbackLaunchOnFailure": _flag(),
    },
    "aws:elasticbeanstalk:customoption": {ANY: Option(free=True)},
    "aws:elasticbeanstalk:environment": {
        "EnvironmentType": Option("LoadBalanced", ("LoadBalanced", "SingleInstance")),
        "ServiceRole": Option(),
        "LoadBalancerType": Option("classic", ("classic", "application", "network")),
        "LoadBalancerIsShared": _flag(),
    },
    "aws:elasticbeanstalk:environment:process:*": {
        "DeregistrationDelay": _number("20", 0, 3_600),
        "HealthCheckInterval": _number("15", 5, 300),
        "HealthCheckPath": Option("/"),
        "HealthCheckTimeout": _number("5", 2, 120),
        "HealthyThresholdCount": _number("3", 2, 10),
        "MatcherHTTPCode": Option("200"),
        "Port": _number("80", 1, 65_535),
        "Protocol": Option("HTTP", ("HTTP", "HTTPS", "TCP")),
        "StickinessEnabled": _flag(),
        "StickinessLBCookieDuration": _number("86400", 1, 604_800),
        "StickinessType": Option("lb_cookie", ("lb_cookie",)),
        "UnhealthyThresholdCount": _number("5", 2, 10),
    },
    "aws:elasticbeanstalk:environment:proxy": {
        "ProxyServer": Option("nginx", ("nginx", "apache", "none")),
    },
    "aws:elasticbeanstalk:healthreporting:system": {
        "SystemType": Option("enhanced", ("basic", "enhanced")),
        "ConfigDocument": Option(),
        "EnhancedHealthAuthEnabled": _flag("true"),
        "HealthCheckSuccessThreshold": Option("Ok", ("Ok", "Warning", "Degraded", "Severe")),
    },
    "aws:elasticbeanstalk:hostmanager": {"LogPublicationControl": _flag()},
    "aws:elasticbeanstalk:managedactions": {
        "ManagedActionsEnabled": _flag(),
        "PreferredStartTime": Option(),
        "ServiceRoleForManagedUpdates": Option(),
    },
    "aws:elasticbeanstalk:managedactions:platformupdate": {
        "UpdateLevel": Option(None, ("patch", "minor")),
        "InstanceRefreshEnabled": _flag(),
    },
    "aws:elasticbeanstalk:monitoring": {"Automatically Terminate Unhealthy Instances": _flag("true")},
    "aws:elasticbeanstalk:sns:topics": {
        **_texts("Notification Endpoint,Notification Topic ARN,Notification Topic Name"),
        "Notification Protocol": Option("email"),
    },
    "aws:elasticbeanstalk:xray": {"XRayEnabled": _flag()},
    "aws:elbv2:listener:*": {
        **_texts("Rules,SSLCertificateArns,SSLPolicy"),
        "DefaultProcess": Option("default"),
        "ListenerEnabled": _flag("true"),
        "Protocol": Option(None, ("HTTP", "HTTPS", "TCP")),
    },
    "aws:elbv2:listenerrule:*": {
        **_texts("HostHeaders,PathPatterns,Priority"),
        "Process": Option("default"),
    },
    "aws:elbv2:loadbalancer": {
        **_texts(
            "AccessLogsS3Bucket,AccessLogsS3Prefix,ManagedSecurityGroup,SecurityGroups,SharedLoadBalancer"
        ),
        "AccessLogsS3Enabled": _flag(),
        "IdleTimeout": _number(None, 1, 3_600),
    },
}


def find(namespace: str, name: str) -> Option | None:
    """Return an option, or None where no environment has it."""
    options = _TABLE.get(namespace) or _TABLE.get(f"{namespace.rpartition(':')[0]}:*", {})
    return options.get(name) or options.get(ANY)


@cache
def defaults() -> dict[tuple[str, str], str]:
    """Return the value that every option has where nobody sets one."""
    return {
        (namespace.replace("process:*", "process:default").replace("listener:*", "listener:default"), name): (
            option.default
        )
        for namespace, options in _TABLE.items()
        for name, option in options.items()
        if option.default is not None and not namespace.startswith("aws:elbv2:listenerrule")
    }


def describe() -> list[dict[str, Any]]:
    """Return every option as DescribeConfigurationOptions shows it."""
    return [
        {
            "Namespace": namespace.replace(":*", ":default"),
            "Name": name,
            "DefaultValue": option.default,
            "ChangeSeverity": "NoInterruption",
            "UserDefined": False,
            "ValueType": option.value_type,
            "ValueOptions": list(option.choices),
            "MinValue": option.numbers[0] if option.numbers else None,
            "MaxValue": option.numbers[1] if option.numbers else None,
        }
        for namespace, options in _TABLE.items()
        for name, option in options.items()
        if not option.free
    ]
