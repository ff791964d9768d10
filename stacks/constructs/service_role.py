"""What Beanstalk may do to watch an environment."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.instance_profile import SLOTS, log_group_arn
from stacks.rights import allow, inline

# AWS's policy for it, AWSElasticBeanstalkEnhancedHealth, without what workers, classic load balancers and
# notifications need; it writes to the groups of all environments.
_OBSERVE = [
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:DescribeNotificationConfigurations",
    "autoscaling:DescribeScalingActivities",
    "ec2:DescribeAddresses",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstances",
    "ec2:DescribeSecurityGroups",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTargetHealth",
]
# Beanstalk updates platforms by a role that is AWS's own: one an account, which only Beanstalk can take. What
# it needs (pass any role, change any environment and its machines) no role of ours has to have then.
MANAGED_UPDATES_ROLE = "AWSServiceRoleForElasticBeanstalkManagedUpdates"


@dataclass(frozen=True, kw_only=True)
class ServiceRoleProps:
    """What a ServiceRole needs to know."""

    environment_name_prefix: str
    """The environments' names up to `-blue` or `-green`."""
    load_balanced: bool
    """Behind a load balancer; a single machine has an address that moves to the next one."""


class ServiceRole(Construct):
    """A role for enhanced health, and for nothing else; MANAGED_UPDATES_ROLE is for managed updates."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ServiceRoleProps) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        groups = [
            f"/aws/elasticbeanstalk/{props.environment_name_prefix}-{slot}/environment-health.log:*"
            for slot in SLOTS
        ]
        policies = {
            "ObserveHealth": [allow(_OBSERVE, ["*"])],
            # Health is told by Beanstalk itself, not by a machine: "Streaming Elastic Beanstalk environment
            # health information to Amazon CloudWatch Logs", prerequisites.
            "WriteHealth": [
                allow(
                    ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    [log_group_arn(stack, group) for group in groups],
                )
            ],
        }
        if not props.load_balanced:
            # Neither the address nor the machine has a name that is known before.
            policies["MoveAddress"] = [allow(["ec2:AssociateAddress"], ["*"])]
        self.role = iam.Role(
            self,
            "Default",
            # "Managing Elastic Beanstalk service roles" has this external id, and no source account.
            assumed_by=iam.ServicePrincipal(
                "elasticbeanstalk.amazonaws.com",
                conditions={"StringEquals": {"sts:ExternalId": "elasticbeanstalk"}},
            ),
            description="What Beanstalk may do to watch an environment",
            inline_policies=inline(policies),
        )
        self.role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.role_arn = self.role.role_arn
