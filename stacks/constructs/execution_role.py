"""What the model's container may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.rights import (
    allow,
    inline,
    list_prefixes,
    pull_images,
    trusted_service,
    use_key,
    write_job_logs,
    write_metrics,
    write_prefixes,
)
from stacks.storage import batch_input, batch_output

# Where SageMaker's agent puts the metrics of an endpoint, of a transform job, and of their machines.
_METRIC_NAMESPACES = ["AWS/SageMaker", "/aws/sagemaker/Endpoints", "/aws/sagemaker/TransformJobs"]


@dataclass(frozen=True, kw_only=True)
class ExecutionRoleProps:
    """What an ExecutionRole needs to know."""

    artifact_arns: Sequence[str]
    """The ARNs of the archives' objects."""
    repository_arn: str
    """The ARN of the repository that the image is pulled from."""
    log_group_arn: str
    """The ARN of the endpoint's log group, `:*` included."""
    key_arn: str | None
    """The key of the machines' disks and of the bucket; None where there is none."""
    bucket_name: str
    """The stage's bucket for data and results."""
    model: str
    """The name of the model folder."""
    s3_prefixes: Sequence[str] = ()
    """s3://bucket/prefix: where requests may name objects. A key of yours that encrypts them has to admit the
    role, too."""


class ExecutionRole(Construct):
    """A role for one model: its archives, its image, its own log group.

    All rights are inline in the role. CreateModel checks at once that the role reads the archive and the
    image, and CloudFormation makes separate policies after the role: a model that only waits for the role
    could be too early.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: ExecutionRoleProps) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        bucket = f"arn:{stack.partition}:s3:::{props.bucket_name}"
        rows, predictions = batch_input(props.model), batch_output(props.model)
        policies = {
            "ReadArtifact": [allow(["s3:GetObject"], props.artifact_arns)],
            "PullImage": pull_images([props.repository_arn]),
            # The group is declared beside the endpoint. Without logs:CreateLogGroup, the last line of a
            # container cannot bring it back after the stack is gone.
            "WriteLogs": [
                allow(
                    ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    [props.log_group_arn],
                )
            ],
            "WriteMetrics": [write_metrics(_METRIC_NAMESPACES)],
            # A transform job runs the model under the model's role.
            "TransformFiles": [
                allow(["s3:GetObject"], [f"{bucket}/{rows}*"]),
                list_prefixes(bucket, [rows]),
                write_prefixes(bucket, [predictions]),
                *write_job_logs(stack, "TransformJobs"),
            ],
        }
        if props.key_arn:
            policies["UseKey"] = use_key(props.key_arn)
        if props.s3_prefixes:
            # A prefix ends at a slash, as it does for the server.
            policies["ReadRequests"] = [
                allow(["s3:GetObject"], [object_arn(stack.partition, prefix) for prefix in props.s3_prefixes])
            ]
        self.role = iam.Role(
            self,
            "Default",
            assumed_by=trusted_service(stack, "sagemaker"),
            description="What SageMaker and the model's container may do",
            inline_policies=inline(policies),
        )
        self.role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)


def object_arn(partition: str, prefix: str) -> str:
    """Return the ARN of all objects under s3://bucket/prefix."""
    return f"arn:{partition}:s3:::{prefix.removeprefix('s3://').rstrip('/')}/*"
