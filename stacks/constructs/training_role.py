"""What a training job may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
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
from stacks.storage import DATA, JOBS

_METRIC_NAMESPACES = ["AWS/SageMaker", "/aws/sagemaker/TrainingJobs"]


@dataclass(frozen=True, kw_only=True)
class TrainingRoleProps:
    """What a TrainingRole needs to know."""

    bucket: s3.IBucket
    repository_arns: Sequence[str]
    """The repositories of the images that train; none where AWS publishes none in the region."""
    key: kms.IKey | None
    """The key of the bucket and of the machines' disks."""


class TrainingRole(Construct):
    """One role for all training jobs of the stage: it reads data, and reads and writes what is of jobs."""

    def __init__(self, scope: Construct, construct_id: str, *, props: TrainingRoleProps) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        bucket = props.bucket.bucket_arn
        policies = {
            "ReadDataAndJobs": [
                allow(["s3:GetObject"], [f"{bucket}/{DATA}*", f"{bucket}/{JOBS}*"]),
                list_prefixes(bucket, [DATA, JOBS]),
            ],
            "WriteJobs": [write_prefixes(bucket, [JOBS])],
            "WriteLogs": write_job_logs(stack, "TrainingJobs"),
            "WriteMetrics": [write_metrics(_METRIC_NAMESPACES)],
        }
        if props.repository_arns:
            policies["PullImages"] = pull_images(props.repository_arns)
        if props.key:
            policies["UseKey"] = use_key(props.key.key_arn)
        self.role = iam.Role(
            self,
            "Default",
            assumed_by=trusted_service(stack, "sagemaker"),
            description="What SageMaker and a training job may do",
            inline_policies=inline(policies),
        )
        self.role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
