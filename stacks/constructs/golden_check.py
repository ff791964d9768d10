"""The check that a new version of a model's function has to pass before requests reach it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IDependable

from stacks.constructs.deploy_function import DeployFunction, DeployFunctionProps
from stacks.rights import allow


@dataclass(frozen=True, kw_only=True)
class GoldenCheckProps:
    """What a GoldenCheck needs to know."""

    version: lambda_.IVersion
    """What is checked."""
    function_arn: str
    log_retention_days: int
    candidate: Mapping[str, str] | None = None
    """The pointer to a model in S3 that is to be taken; None is the model in the package."""
    after: Sequence[IDependable] = ()
    """What the version needs to be there."""


class GoldenCheck(Construct):
    """Has the version predict the golden rows of its model, and fails the deploy where one differs.

    CloudFormation then rolls back: an alias that waits for `passed` never moves, and the reason is in the
    stack's events.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: GoldenCheckProps) -> None:
        super().__init__(scope, construct_id)
        checker = DeployFunction(
            self,
            "Checker",
            props=DeployFunctionProps(
                file="check_golden_rows.py",
                description="Has a new version predict golden rows before it is used",
                rights={"Invoke": [allow(["lambda:InvokeFunction"], [f"{props.function_arn}:*"])]},
                log_retention_days=props.log_retention_days,
            ),
        )
        event = {"slipway": "try", **({"candidate": dict(props.candidate)} if props.candidate else {})}
        self.passed = checker.run(
            "Rows",
            "GoldenCheck",
            {"Version": props.version.function_arn, "Event": json.dumps(event, sort_keys=True)},
            after=props.after,
        )
