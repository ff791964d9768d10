"""Findings that stay on purpose: exact, dated, with a reason, and each for a time.

A test fails when an entry matches nothing any more or has expired; synth knows no clock and goes on.
"""

from __future__ import annotations

from stacks.acceptance import Accepted
from stacks.accepted_api import OF_APIS
from stacks.accepted_environments import OF_ENVIRONMENTS
from stacks.accepted_functions import OF_FUNCTIONS

_LOG_DELIVERY = (
    "logs:CreateLogDelivery,logs:DeleteLogDelivery,logs:DescribeLogGroups,logs:DescribeResourcePolicies,"
    "logs:GetLogDelivery,logs:ListLogDeliveries,logs:PutResourcePolicy,logs:UpdateLogDelivery"
)
_TRACING = "xray:GetSamplingRules,xray:GetSamplingTargets,xray:PutTelemetryRecords,xray:PutTraceSegments"

# Both state machines are made by the same construct.
_OF_STATE_MACHINES = tuple(
    Accepted(
        stack="model",
        path=path,
        finding=finding,
        reason=reason,
        accepted="2026-11-21",
        expires="2027-11-21",
    )
    for machine, role in (("Batch", "BatchRole28F08E5D"), ("Training", "TrainingRole4C1607BC"))
    for path, finding, reason in (
        (
            f"{machine}/Default/Role/Resource",
            "AwsSolutions-IAM5[Resource::*]",
            "Neither delivery of logs nor tracing takes a resource",
        ),
        (role, f"H-03[{_LOG_DELIVERY}]", "Delivery of logs takes no resource"),
        (role, f"H-03[{_TRACING}]", "Tracing takes no resource"),
        (
            f"{machine}/Default/Schedule",
            "Serverless-EventBusDLQ",
            "EventBridge tries for a day; a start that is lost is one of many, as the schedule comes again",
        ),
    )
)
ACCEPTED: tuple[Accepted, ...] = (
    *_OF_STATE_MACHINES,
    *OF_APIS,
    *OF_FUNCTIONS,
    *OF_ENVIRONMENTS,
    Accepted(
        stack="model",
        path="ExecutionRole/Default/Resource",
        finding="AwsSolutions-IAM5[Resource::*]",
        reason="ecr:GetAuthorizationToken and cloudwatch:PutMetricData take no resource; a condition limits "
        "the latter to SageMaker's namespaces",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="model",
        path="ExecutionRole605A040B",
        finding="H-03[ecr:GetAuthorizationToken]",
        reason="ECR's token is for a whole registry; the action takes no resource",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="model",
        path="ExecutionRole605A040B",
        finding="H-03[cloudwatch:PutMetricData]",
        reason="The action takes no resource; a condition limits it to SageMaker's namespaces",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="shared",
        path="ImagePublishing/Default/Resource",
        finding="AwsSolutions-IAM5[Resource::*]",
        reason="ecr:GetAuthorizationToken takes no resource",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="shared",
        path="ImagePublishing2048B8DA",
        finding="H-03[ecr:GetAuthorizationToken]",
        reason="ECR's token is for a whole registry; the action takes no resource",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="shared",
        path="CustomS3AutoDeleteObjectsCustomResourceProviderRole3B1BD092",
        finding="H-07[lambda.amazonaws.com]",
        reason="aws-cdk-lib writes this trust policy; the role can empty this stage's buckets and nothing "
        "else, and stages that retain data do not have it",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="shared",
        path="TrainingRole/Default/Resource",
        finding="AwsSolutions-IAM5[Resource::*]",
        reason="ecr:GetAuthorizationToken and cloudwatch:PutMetricData take no resource; a condition limits "
        "the latter to SageMaker's namespaces",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="shared",
        path="TrainingRole/Default/Resource",
        finding="AwsSolutions-IAM5[Resource::<Data666C94C7.Arn>/data/*]",
        reason="One prefix of the stage's own bucket: the names below it are made later",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="shared",
        path="TrainingRole/Default/Resource",
        finding="AwsSolutions-IAM5[Resource::<Data666C94C7.Arn>/jobs/*]",
        reason="One prefix of the stage's own bucket: the names below it are made later",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="shared",
        path="TrainingRole/Default/Resource",
        finding="AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:"
        "log-group:/aws/sagemaker/TrainingJobs:*]",
        reason="The streams of one log group",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="shared",
        path="TrainingRoleAA3C7BE5",
        finding="H-03[ecr:GetAuthorizationToken]",
        reason="ECR's token is for a whole registry; the action takes no resource",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="shared",
        path="TrainingRoleAA3C7BE5",
        finding="H-03[cloudwatch:PutMetricData]",
        reason="The action takes no resource; a condition limits it to SageMaker's namespaces",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="model",
        path="ExecutionRole/Default/Resource",
        finding="AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::<BucketName>/batch/{model}/input/*]",
        reason="One prefix of the stage's own bucket: the names below it are made later",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="model",
        path="ExecutionRole/Default/Resource",
        finding="AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::<BucketName>/batch/{model}/output/*]",
        reason="One prefix of the stage's own bucket: the names below it are made later",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="model",
        path="ExecutionRole/Default/Resource",
        finding="AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:"
        "log-group:/aws/sagemaker/TransformJobs:*]",
        reason="The streams of one log group",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="model",
        path="Registry/EmptierRole/Resource",
        finding="AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:"
        "model-package/{stack}/*]",
        reason="The versions in one model package group: AWS numbers them",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="model",
        path="Training/Default/Role/Resource",
        finding="AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:"
        "model-package/{stack}/*]",
        reason="The versions in one model package group: AWS numbers them",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
    Accepted(
        stack="model",
        path="RegistryEmptierRole08D826C7",
        finding="H-07[lambda.amazonaws.com]",
        reason="Lambda names no source when it takes a function's role; the role can delete packages of one "
        "group and nothing else",
        accepted="2026-11-21",
        expires="2027-11-21",
    ),
)
