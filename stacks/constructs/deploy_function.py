"""A small function of ours that CloudFormation runs in the course of a deploy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from stacks.retention import log_retention
from stacks.rights import Statement, allow, inline

_FUNCTIONS = Path(__file__).resolve().parents[1] / "functions"
_RUNTIME = "python3.14"
_TIMEOUT_S = 300
_MEMORY_MB = 256


@dataclass(frozen=True, kw_only=True)
class DeployFunctionProps:
    """What a DeployFunction needs to know."""

    file: str
    """Its code: a file of stacks/functions/, written into the template."""
    description: str
    rights: Mapping[str, Sequence[Statement]]
    log_retention_days: int
    timeout_s: int = _TIMEOUT_S
    """How long it may take: 900 s at the most, which is Lambda's limit."""


class DeployFunction(Construct):
    """The function, its role and its log group; all go with the stack."""

    def __init__(self, scope: Construct, construct_id: str, *, props: DeployFunctionProps) -> None:
        super().__init__(scope, construct_id)
        # CloudFormation waits so long for an answer, by itself for an hour. Lambda runs a function that timed
        # out twice more, one and two minutes later.
        self._answer_s = 3 * props.timeout_s + 300
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=log_retention(props.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        write = allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn])
        role = iam.Role(
            self,
            "Role",
            # Lambda names no source account when it takes a function's role.
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies=inline({**props.rights, "WriteOwnLogs": [write]}),
        )
        role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        # Not from aws_cdk.aws_lambda: importing that takes longer than the rest of a stack.
        self._function = cdk.CfnResource(
            self,
            "Default",
            type="AWS::Lambda::Function",
            properties={
                "Description": props.description,
                "Runtime": _RUNTIME,
                "Handler": "index.handler",
                "Code": {"ZipFile": (_FUNCTIONS / props.file).read_text(encoding="utf-8")},
                "Role": role.role_arn,
                "Timeout": props.timeout_s,
                "MemorySize": _MEMORY_MB,
                "LoggingConfig": {"LogGroup": log_group.log_group_name},
            },
        )
        self._function.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self._function.node.add_dependency(role)

    def run(
        self,
        construct_id: str,
        kind: str,
        properties: Mapping[str, Any],
        *,
        after: Sequence[IDependable] = (),
    ) -> cdk.CfnResource:
        """Have CloudFormation run it when a resource is made, changed or removed.

        Args:
            construct_id: the resource's, in here.
            kind: its type is Custom::Slipway<kind>.
            properties: what the function is told; another value runs it again.
            after: what has to be there before.
        """
        resource = cdk.CfnResource(
            self,
            construct_id,
            type=f"Custom::Slipway{kind}",
            properties={
                "ServiceToken": self._function.get_att("Arn").to_string(),
                "ServiceTimeout": str(self._answer_s),
                **properties,
            },
        )
        resource.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        resource.node.add_dependency(*after)
        return resource
