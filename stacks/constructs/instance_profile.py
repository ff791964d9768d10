"""What the machines of an environment may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.execution_role import object_arn
from stacks.rights import Statement, allow, inline, pull_images

# Beanstalk's agents on the machine send these, to the groups that Beanstalk itself makes.
_LOG_ACTIONS = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]


@dataclass(frozen=True, kw_only=True)
class InstanceProfileProps:
    """What an InstanceProfile needs to know."""

    application_name: str
    environment_name_prefix: str
    """The environments' names up to `-blue` or `-green`."""
    repository_arn: str | None
    """The repository that the image is pulled from; None where the machine builds it."""
    key_arn: str | None
    """The key of the objects that requests may name; None where there is none."""
    s3_prefixes: Sequence[str] = ()
    """s3://bucket/prefix: where requests may name objects. A key of yours that encrypts them has to admit the
    role, too."""


class InstanceProfile(Construct):
    """A profile with a role of its own. A role alone is refused (aws/aws-cdk#28353).

    AWS's AWSElasticBeanstalkWebTier reads all that every environment of the account keeps in S3. Here a
    machine reads the versions of this application (Beanstalk copies a version's bundle into its own bucket
    first, so no machine reads the bundle itself), and writes logs and health of its own environment.
    Without logs:CreateLogGroup, its last line cannot bring a group back after the environment is gone.

    Sources: "Managing Elastic Beanstalk instance profiles" for the actions; what a machine reads in S3 is
    in /var/log/eb-engine.log of every deploy.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: InstanceProfileProps) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        policies = {
            "ReadVersions": [_read_versions(stack, props.application_name)],
            "WriteLogs": [
                allow(
                    _LOG_ACTIONS,
                    log_groups(stack, props.environment_name_prefix),
                ),
                allow(["s3:PutObject"], [f"arn:{stack.partition}:s3:::{bucket_of(stack)}/{LOGS_PREFIX}*"]),
            ],
            "ReportHealth": [
                allow(
                    ["elasticbeanstalk:PutInstanceStatistics"],
                    [
                        application_arn(stack, props.application_name),
                        *environment_arns(stack, props.application_name, props.environment_name_prefix),
                    ],
                )
            ],
        }
        if props.repository_arn:
            policies["PullImage"] = pull_images([props.repository_arn])
        if props.key_arn:
            policies["UseKey"] = [allow(["kms:Decrypt"], [props.key_arn])]
        if props.s3_prefixes:
            # A prefix ends at a slash, as it does for the server.
            policies["ReadRequests"] = [
                allow(["s3:GetObject"], [object_arn(stack.partition, prefix) for prefix in props.s3_prefixes])
            ]
        self.role = iam.Role(
            self,
            "Role",
            # EC2 names no source account when it takes a role.
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            description="What the machines of a Beanstalk environment may do",
            inline_policies=inline(policies),
        )
        self.role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        profile = iam.CfnInstanceProfile(self, "Default", roles=[self.role.role_name])
        profile.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        # The reference makes whatever uses it wait for the profile, and that for the role and its policies.
        self.profile_name = profile.ref


SLOTS = ("blue", "green")
LOGS_PREFIX = "resources/environments/logs/"


def bucket_of(stack: cdk.Stack) -> str:
    """Return the name of the bucket that Beanstalk makes, one for an account in a region."""
    return f"elasticbeanstalk-{stack.region}-{stack.account}"


def application_arn(stack: cdk.Stack, application_name: str) -> str:
    """Return the ARN of an application."""
    return stack.format_arn(
        service="elasticbeanstalk", resource="application", resource_name=application_name
    )


def environment_arns(stack: cdk.Stack, application_name: str, prefix: str) -> list[str]:
    """Return the ARNs of both environments that a stack may have."""
    return [
        stack.format_arn(
            service="elasticbeanstalk",
            resource="environment",
            resource_name=f"{application_name}/{prefix}-{slot}",
        )
        for slot in SLOTS
    ]


def _read_versions(stack: cdk.Stack, application_name: str) -> Statement:
    environment = f"{bucket_of(stack)}/resources/environments/{any_environment()}"
    runtime = f"arn:{stack.partition}:s3:::{environment}/_runtime"
    return allow(
        ["s3:GetObject"], [f"{runtime}/_versions/{application_name}/*", f"{runtime}/versions/manifest_*"]
    )


def any_environment() -> str:
    """Return the ids of environments for IAM, as in e-mpcwnwheky: one is known only when it has been made."""
    return "e-" + "?" * 10


def log_groups(stack: cdk.Stack, prefix: str) -> list[str]:
    """Return the ARNs of all log groups of both environments that a stack may have."""
    return [log_group_arn(stack, f"/aws/elasticbeanstalk/{prefix}-{slot}/*") for slot in SLOTS]


def log_group_arn(stack: cdk.Stack, name: str) -> str:
    """Return the ARN of a log group."""
    return stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
