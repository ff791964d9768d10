"""What a model's stack reads of the shared stack's outputs when it is deployed: no export, no lookup."""

from __future__ import annotations

from functools import cached_property

import aws_cdk as cdk

from stacks.outputs import parameter_name
from stacks.settings import StageSettings


class SharedParameters:
    """The shared stack's outputs by their SSM parameters; each that is asked for is one of the template."""

    def __init__(self, stack: cdk.Stack, stage: StageSettings) -> None:
        self._stack, self._stage = stack, stage

    @cached_property
    def bucket_name(self) -> str:
        """The bucket for data and results."""
        return self._read("BucketName", "The bucket of the shared stack")

    @cached_property
    def key_arn(self) -> str | None:
        """The key for data at rest; None where the stage has none."""
        return (
            self._read("KeyArn", "The key of the shared stack") if self._stage.encryption == "kms" else None
        )

    @cached_property
    def access_logs_bucket_name(self) -> str | None:
        """The bucket for access logs; None where the stage keeps none."""
        if not self._stage.access_logs:
            return None
        return self._read("AccessLogsBucketName", "The bucket for access logs of the shared stack")

    @cached_property
    def training_role_arn(self) -> str:
        """The role of training jobs."""
        return self._read("TrainingRoleArn", "The role of training jobs")

    def _read(self, output: str, description: str) -> str:
        return cdk.CfnParameter(
            self._stack,
            output,
            type="AWS::SSM::Parameter::Value<String>",
            default=parameter_name(self._stage.name, output),
            description=description,
        ).value_as_string
