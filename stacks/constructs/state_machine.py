"""A Step Functions state machine with its role, its log and, where asked for, its schedule."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.retention import log_retention
from stacks.rights import Statement, allow, inline, trusted_service

# Groups below this prefix need no entry each in the account's resource policy, which has a limit.
_LOG_PREFIX = "/aws/vendedlogs/states/"
_LOG_DELIVERY = [
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
]
_TRACING = [
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
]


@dataclass(frozen=True, kw_only=True)
class StateMachineProps:
    """What a StateMachine needs to know."""

    log_name: str
    """The end of its log group's name."""
    log_retention_days: int
    definition: Mapping[str, Any]
    """Amazon States Language."""
    values: Mapping[str, str]
    """What ${Name} in the definition stands for."""
    rights: Mapping[str, Sequence[Statement]]
    """What it may do, by the policies' names."""
    schedule: str | None
    """rate(…) or cron(…) in UTC."""


class StateMachine(Construct):
    """A standard state machine. It logs every step, without the data that goes through it, and is traced.

    All rights are inline in its role: AWS checks at once whether it may deliver the log.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: StateMachineProps) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=_LOG_PREFIX + props.log_name,
            retention=log_retention(props.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=trusted_service(stack, "states", "stateMachine:*"),
            inline_policies=inline(
                {
                    **props.rights,
                    # Neither delivery of logs nor tracing takes a resource.
                    "DeliverLogs": [allow(_LOG_DELIVERY, ["*"])],
                    "Trace": [allow(_TRACING, ["*"])],
                }
            ),
        )
        role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        machine = sfn.CfnStateMachine(
            self,
            "Default",
            state_machine_type="STANDARD",
            role_arn=role.role_arn,
            definition_string=json.dumps(props.definition, indent=1),
            definition_substitutions=dict(props.values),
            logging_configuration=sfn.CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                include_execution_data=False,
                destinations=[
                    sfn.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=log_group.log_group_arn
                        )
                    )
                ],
            ),
            tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        machine.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.resource = machine
        self.arn = machine.ref
        if props.schedule:
            self._schedule(stack, props.schedule)

    def _schedule(self, stack: cdk.Stack, expression: str) -> None:
        starter = iam.Role(
            self,
            "ScheduleRole",
            assumed_by=trusted_service(stack, "events", "rule/*"),
            inline_policies=inline({"Start": [allow(["states:StartExecution"], [self.arn])]}),
        )
        starter.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        rule = events.CfnRule(
            self,
            "Schedule",
            schedule_expression=expression,
            # Without an input of its own the machine would get the event.
            targets=[
                events.CfnRule.TargetProperty(
                    id="StateMachine", arn=self.arn, role_arn=starter.role_arn, input="{}"
                )
            ],
        )
        rule.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
