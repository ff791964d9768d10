"""The house rules on environments on Elastic Beanstalk: as rules.py, which has them too."""

from __future__ import annotations

from stacks import environment_checks
from stacks.house_rule import Rule

OF_ENVIRONMENTS: tuple[Rule, ...] = (
    Rule(
        "H-40",
        "The machines of an environment run under another stack's instance profile.",
        "Use InstanceProfile.",
        environment_checks.borrowed_profiles,
    ),
    Rule(
        "H-41",
        "The machines of an environment answer IMDSv1, and are launched by a launch configuration, which new "
        "accounts do not have.",
        'Set DisableIMDSv1 = "true": Beanstalk then makes a launch template.',
        environment_checks.old_launches,
    ),
    Rule(
        "H-42",
        "An environment has no enhanced health, or no path at which it is asked.",
        'Set SystemType = "enhanced" and Application Healthcheck URL.',
        environment_checks.unwatched,
    ),
    Rule(
        "H-43",
        "An environment's platform gets no updates, so that it becomes old and then unknown.",
        "Set ManagedActionsEnabled, PreferredStartTime and UpdateLevel.",
        environment_checks.not_updated,
    ),
    Rule(
        "H-44",
        "An environment's logs die with its machines or stay for ever, or nobody decided on their end.",
        "Set StreamLogs or HealthStreamingEnabled, with RetentionInDays and DeleteOnTerminate.",
        environment_checks.lost_logs,
    ),
    Rule(
        "H-45",
        "An environment speaks plain HTTP: what is asked and answered can be read on the way.",
        "Set certificate_arn and domain_name in model.toml.",
        environment_checks.plain_listeners,
    ),
    Rule(
        "H-46",
        "An environment's load balancer is a classic one, in one zone, or asks no path for health.",
        "Set LoadBalancerType, two zones or ELBSubnets, and HealthCheckPath.",
        environment_checks.narrow_load_balancers,
    ),
    Rule(
        "H-47",
        "A deployment takes machines away before others have shown that they are well.",
        "Deploy RollingWithAdditionalBatch or Immutable, and change settings by health.",
        environment_checks.interrupting_deployments,
    ),
    Rule(
        "H-48",
        "Machines behind a load balancer have public addresses, though there are subnets for them.",
        'Set AssociatePublicIpAddress = "false".',
        environment_checks.public_machines,
    ),
    Rule(
        "H-49",
        "Nobody asks an environment before callers do, or what Beanstalk keeps of it outlives the stack.",
        "Use LiveEnvironment, and make the environment depend on an EnvironmentCleanup.",
        environment_checks.loose_ends,
    ),
)
