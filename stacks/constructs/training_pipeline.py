"""Training again, on a schedule or by hand: a job, a comparison, a package for a person to approve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.model_registry import ModelRegistry
from stacks.constructs.state_machine import StateMachine, StateMachineProps
from stacks.expressions import any_job_name
from stacks.rights import allow, pass_to_sagemaker, run_jobs
from stacks.settings import ModelSettings, StageSettings, stack_name
from stacks.storage import CODE_FILE, archive_key, code_key
from stacks.tagging import tags_of
from stacks.training_job import is_algorithm, training_code
from stacks.training_machine import training_machine


@dataclass(frozen=True, kw_only=True)
class TrainingPipelineProps:
    """What a TrainingPipeline needs to know."""

    stage: StageSettings
    model: ModelSettings
    bucket_name: str
    key_arn: str | None
    image_uri: str
    """The image that trains, and that serves what it trained."""
    training_role_arn: str
    registry: ModelRegistry
    in_service: Mapping[str, float]
    """What the champion's own training measured, by the job's names."""


class TrainingPipeline(Construct):
    """The state machine of stacks/training_machine.py, and what it needs: its script, its rights."""

    def __init__(self, scope: Construct, construct_id: str, *, props: TrainingPipelineProps) -> None:
        super().__init__(scope, construct_id)
        stage, model = props.stage.name, props.model
        stack = cdk.Stack.of(self)
        job = any_job_name(stage, model.name)
        bucket_arn = f"arn:{stack.partition}:s3:::{props.bucket_name}"
        values = {
            "Partition": stack.partition,
            "Region": stack.region,
            "Bucket": props.bucket_name,
            "TrainingImage": props.image_uri,
            "TrainingRoleArn": props.training_role_arn,
            "ModelPackageGroupName": props.registry.group_name,
        }
        rights = {
            "Train": [
                *run_jobs(stack, "Training", stage, model.name),
                pass_to_sagemaker(props.training_role_arn),
            ],
            "Register": [
                allow(
                    ["sagemaker:CreateModelPackage"], [props.registry.group_arn, props.registry.packages_arn]
                ),
                # AWS looks at the archive with the rights of whoever registers it.
                allow(["s3:GetObject"], [f"{bucket_arn}/{archive_key(job)}"]),
            ],
        }
        if props.key_arn:
            values["KeyArn"] = props.key_arn
            rights["UseKey"] = [allow(["kms:Decrypt", "kms:GenerateDataKey"], [props.key_arn])]
        if not is_algorithm(model):
            code = self._code(model)
            values |= {"CodeBucket": code.s3_bucket_name, "CodeKey": code.s3_object_key}
            rights["CopyScript"] = [
                allow(["s3:GetObject"], [code.bucket.arn_for_objects(code.s3_object_key)]),
                allow(["s3:PutObject"], [f"{bucket_arn}/{code_key(job)}"]),
            ]
        machine = StateMachine(
            self,
            "Default",
            props=StateMachineProps(
                log_name=f"{stack_name(stage, model.name)}-training",
                log_retention_days=props.stage.log_retention_days,
                definition=training_machine(
                    stage,
                    model,
                    tags=tags_of(stage=stage, model=model.name),
                    with_key=props.key_arn is not None,
                    in_service=props.in_service,
                ),
                values=values,
                rights=rights,
                schedule=model.train.schedule,
            ),
        )
        # Deleted in the reverse order: no package comes after the registry was emptied.
        machine.resource.node.add_dependency(props.registry)
        self.arn = machine.arn

    def _code(self, model: ModelSettings) -> s3_assets.Asset:
        with TemporaryDirectory() as folder:
            path = Path(folder, CODE_FILE)
            path.write_bytes(training_code(model))
            return s3_assets.Asset(self, "Code", path=str(path))  # copies the file at once
