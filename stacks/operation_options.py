"""How an environment on Elastic Beanstalk is changed and watched: a part of the table of its options."""

from __future__ import annotations

import json

from stacks.beanstalk_combinations import Placed
from stacks.constructs.service_role import MANAGED_UPDATES_ROLE

HEALTH_PATH = "/ping"
# By namespace, and then by name.
Options = dict[str, dict[str, str]]
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


def operation_options(placed: Placed) -> Options:
    """Return the options for deployments, changes of settings, health, logs and platform updates.

    Args:
        placed: the model's settings on a stage.
    """
    return {**_deployments(placed), **_health_and_logs(placed), **_platform_updates()}


def _deployments(placed: Placed) -> Options:
    immutable = placed.serve.resolved_deployment(placed.stage) == "immutable"
    command = {
        "DeploymentPolicy": "Immutable" if immutable else "RollingWithAdditionalBatch",
        # How long a machine may take: to pull the image, or to build it.
        "Timeout": "1200" if placed.serve.resolved_package == "source" else "600",
        "IgnoreHealthCheck": "false",
    }
    if not immutable:
        command |= {"BatchSizeType": "Percentage", "BatchSize": "30"}
    # A change of settings replaces machines, too. Beanstalk refuses Immutable for one of the two alone.
    if immutable:
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


def _health_and_logs(placed: Placed) -> Options:
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


def _platform_updates() -> Options:
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
