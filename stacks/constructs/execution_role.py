"""What the model's container may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

# Where SageMaker's agent puts the metrics of an endpoint and of its machines.
_METRIC_NAMESPACES = ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]


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
    """The key of the machines' disks; None where there is none."""
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
        # Without these conditions, SageMaker could be made to use the role for somebody else's account.
        trusted = iam.ServicePrincipal(
            "sagemaker.amazonaws.com",
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {"aws:SourceArn": stack.format_arn(service="sagemaker", resource="*")},
            },
        )
        policies = {
            "ReadArtifact": [_allow(["s3:GetObject"], list(props.artifact_arns))],
            "PullImage": [
                _allow(
                    [
                        "ecr:BatchCheckLayerAvailability",
                        "ecr:BatchGetImage",
                        "ecr:GetDownloadUrlForLayer",
                    ],
                    [props.repository_arn],
                ),
                # ECR's token is for the whole registry: the action takes no resource.
                _allow(["ecr:GetAuthorizationToken"], ["*"]),
            ],
            # The group is declared beside the endpoint. Without logs:CreateLogGroup, the last line of a
            # container cannot bring it back after the stack is gone.
            "WriteLogs": [
                _allow(
                    ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                    [props.log_group_arn],
                )
            ],
            # PutMetricData takes no resource either; its namespace is what can be limited.
            "WriteMetrics": [
                _allow(
                    ["cloudwatch:PutMetricData"],
                    ["*"],
                    {"StringEquals": {"cloudwatch:namespace": _METRIC_NAMESPACES}},
                )
            ],
        }
        if props.key_arn:
            policies["UseKey"] = [
                _allow(
                    ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"], [props.key_arn]
                ),
                # SageMaker attaches encrypted disks through a grant.
                _allow(["kms:CreateGrant"], [props.key_arn], {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
            ]
        if props.s3_prefixes:
            # A prefix ends at a slash, as it does for the server.
            policies["ReadRequests"] = [
                _allow(
                    ["s3:GetObject"], [object_arn(stack.partition, prefix) for prefix in props.s3_prefixes]
                )
            ]
        self.role = iam.Role(
            self,
            "Default",
            assumed_by=trusted,
            description="What SageMaker and the model's container may do",
            inline_policies={
                name: iam.PolicyDocument(statements=statements) for name, statements in policies.items()
            },
        )
        self.role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)


def object_arn(partition: str, prefix: str) -> str:
    """Return the ARN of all objects under s3://bucket/prefix."""
    return f"arn:{partition}:s3:::{prefix.removeprefix('s3://').rstrip('/')}/*"


def _allow(
    actions: list[str], resources: list[str], conditions: dict[str, dict[str, object]] | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions)
