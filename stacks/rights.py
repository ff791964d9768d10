"""IAM statements that several roles have. All go inline into a role: separate policies may come too late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from stacks.expressions import any_job_name
from stacks.settings import StageName

# As IAM writes it: an object of CDK for each statement would cost synth a message to its kernel.
Statement = dict[str, Any]


def allow(
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Mapping[str, object]] | None = None,
) -> Statement:
    """Return a statement that allows actions on resources."""
    statement: Statement = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**statement, "Condition": conditions} if conditions else statement


def inline(policies: Mapping[str, Sequence[Statement]]) -> dict[str, iam.PolicyDocument]:
    """Return the inline policies of a role."""
    return {
        name: iam.PolicyDocument.from_json({"Version": "2012-10-17", "Statement": list(statements)})
        for name, statements in policies.items()
    }


def trusted_service(stack: cdk.Stack, service: str, resource: str = "*") -> iam.ServicePrincipal:
    """Return a service that takes a role for this account alone.

    Without these conditions it could be made to use the role for somebody else's.

    Args:
        stack: the role's.
        service: such as sagemaker.
        resource: what the service acts for, as in an ARN.
    """
    return iam.ServicePrincipal(
        f"{service}.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": stack.format_arn(service=service, resource=resource)},
        },
    )


def pull_images(repository_arns: Sequence[str]) -> list[Statement]:
    """Return what a role needs to run images of these repositories."""
    return [
        allow(
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            repository_arns,
        ),
        # ECR's token is for the whole registry: the action takes no resource.
        allow(["ecr:GetAuthorizationToken"], ["*"]),
    ]


def write_metrics(namespaces: Sequence[str]) -> Statement:
    """Return the right to write metrics; it takes no resource, and its namespaces are what can be limited."""
    return allow(
        ["cloudwatch:PutMetricData"], ["*"], {"StringEquals": {"cloudwatch:namespace": list(namespaces)}}
    )


def write_job_logs(stack: cdk.Stack, kind: Literal["TrainingJobs", "TransformJobs"]) -> list[Statement]:
    """Return what a job's role needs for its log. The group is the account's; whoever is first makes it."""
    group = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name=f"/aws/sagemaker/{kind}",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    return [
        allow(["logs:CreateLogGroup"], [group, f"{group}:*"]),
        allow(["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], [f"{group}:*"]),
    ]


def use_key(key_arn: str) -> list[Statement]:
    """Return what SageMaker needs of a key, for disks and for objects."""
    return [
        allow(
            [
                "kms:Decrypt",
                "kms:DescribeKey",
                # Asked for where a job's output names a key: CreateTrainingJob, OutputDataConfig.KmsKeyId.
                "kms:Encrypt",
                "kms:GenerateDataKey",
                "kms:GenerateDataKeyWithoutPlaintext",
            ],
            [key_arn],
        ),
        # SageMaker attaches encrypted disks through a grant.
        allow(["kms:CreateGrant"], [key_arn], {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
    ]


def list_prefixes(bucket_arn: str, prefixes: Sequence[str]) -> Statement:
    """Return the right to list what is under some prefixes of a bucket."""
    return allow(
        ["s3:ListBucket"],
        [bucket_arn],
        {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
    )


def write_prefixes(bucket_arn: str, prefixes: Sequence[str]) -> Statement:
    """Return the right to write under some prefixes of a bucket."""
    return allow(
        ["s3:AbortMultipartUpload", "s3:PutObject"], [f"{bucket_arn}/{prefix}*" for prefix in prefixes]
    )


def run_jobs(
    stack: cdk.Stack, kind: Literal["Training", "Transform"], stage: StageName, model: str
) -> list[Statement]:
    """Return what a state machine needs to run a model's jobs, and to wait for them (`.sync`)."""
    jobs = stack.format_arn(
        service="sagemaker", resource=f"{kind.lower()}-job", resource_name=any_job_name(stage, model)
    )
    # Step Functions makes this rule of EventBridge itself, and hears by it that a job has ended.
    rule = stack.format_arn(
        service="events",
        resource="rule",
        resource_name=f"StepFunctionsGetEventsForSageMaker{kind}JobsRule",
    )
    return [
        allow(
            [
                f"sagemaker:Create{kind}Job",
                f"sagemaker:Describe{kind}Job",
                f"sagemaker:Stop{kind}Job",
                "sagemaker:AddTags",
                "sagemaker:ListTags",
            ],
            [jobs],
        ),
        allow(["events:DescribeRule", "events:PutRule", "events:PutTargets"], [rule]),
    ]


def pass_to_sagemaker(role_arn: str) -> Statement:
    """Return the right to give SageMaker one role, and nobody else."""
    return allow(
        ["iam:PassRole"], [role_arn], {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    )
