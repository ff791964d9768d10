"""The log group of an endpoint's containers."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.retention import log_retention


@dataclass(frozen=True, kw_only=True)
class EndpointLogsProps:
    """What EndpointLogs needs to know."""

    endpoint_name: str
    retention_days: int


class EndpointLogs(Construct):
    """The group that SageMaker writes to, declared before SageMaker makes one that never expires."""

    def __init__(self, scope: Construct, construct_id: str, *, props: EndpointLogsProps) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self,
            "Default",
            log_group_name=f"/aws/sagemaker/Endpoints/{props.endpoint_name}",
            retention=log_retention(props.retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
