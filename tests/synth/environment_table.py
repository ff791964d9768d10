"""The options that environments have, by scenario: what test_beanstalk_options.py expects."""

from __future__ import annotations

from tests.synth.harness import CERTIFICATE

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
