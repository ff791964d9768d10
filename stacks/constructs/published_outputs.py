"""Outputs of a stack, told twice: to CloudFormation, and as SSM parameters for apps."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.outputs import BeanstalkOutputs, LambdaOutputs, ModelOutputs, SharedOutputs, parameter_name


@dataclass(frozen=True, kw_only=True)
class PublishedOutputsProps:
    """What PublishedOutputs needs to know."""

    stage: str
    model: str | None
    """The name of the model folder; None for the shared stack."""
    outputs: SharedOutputs | ModelOutputs | LambdaOutputs | BeanstalkOutputs


class PublishedOutputs(Construct):
    """One CfnOutput with exactly the output's name, and one parameter, for each output."""

    def __init__(self, scope: Construct, construct_id: str, *, props: PublishedOutputsProps) -> None:
        super().__init__(scope, construct_id)
        for name, value in props.outputs.to_mapping().items():
            cdk.CfnOutput(self, name, value=value).override_logical_id(name)
            parameter = ssm.CfnParameter(
                self,
                f"{name}Parameter",
                type="String",
                name=parameter_name(props.stage, name, props.model),
                value=value,
            )
            parameter.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
