"""Predictions for files, on a schedule or by hand."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from stacks.batch_machine import batch_machine
from stacks.constructs.state_machine import StateMachine, StateMachineProps
from stacks.rights import run_jobs
from stacks.settings import ModelSettings, StageSettings, stack_name
from stacks.tagging import tags_of


@dataclass(frozen=True, kw_only=True)
class BatchPipelineProps:
    """What a BatchPipeline needs to know."""

    stage: StageSettings
    model: ModelSettings
    model_name: str
    """SageMaker's Model of the champion."""
    bucket_name: str
    key_arn: str | None


class BatchPipeline(Construct):
    """The state machine of stacks/batch_machine.py and its rights. The job itself has the model's role."""

    def __init__(self, scope: Construct, construct_id: str, *, props: BatchPipelineProps) -> None:
        super().__init__(scope, construct_id)
        stage, model = props.stage.name, props.model
        stack = cdk.Stack.of(self)
        values = {
            "Partition": stack.partition,
            "Bucket": props.bucket_name,
            "ModelName": props.model_name,
        }
        if props.key_arn:
            values["KeyArn"] = props.key_arn
        machine = StateMachine(
            self,
            "Default",
            props=StateMachineProps(
                log_name=f"{stack_name(stage, model.name)}-batch",
                log_retention_days=props.stage.log_retention_days,
                definition=batch_machine(
                    stage,
                    model,
                    tags=tags_of(stage=stage, model=model.name),
                    with_key=props.key_arn is not None,
                ),
                values=values,
                rights={"Transform": run_jobs(stack, "Transform", stage, model.name)},
                schedule=model.batch.schedule,
            ),
        )
        self.arn = machine.arn
