"""Findings that stay on purpose in stacks with a model's function: as accepted.py, which has them too."""

from __future__ import annotations

from stacks.acceptance import Accepted

OF_FUNCTIONS = tuple(
    Accepted(
        stack="model",
        path=path,
        finding=finding,
        reason=reason,
        accepted="2026-11-21",
        expires="2027-11-21",
    )
    for path, finding, reason in (
        (
            "FunctionRole8EE059BE",
            "H-03[xray:PutTelemetryRecords,xray:PutTraceSegments]",
            "Tracing takes no resource",
        ),
        (
            "FunctionRole8EE059BE",
            "H-07[lambda.amazonaws.com]",
            "Lambda names no source when it takes a function's role; the role reads its model and writes its log",
        ),
        ("Function/Role/Resource", "AwsSolutions-IAM5[Resource::*]", "Tracing takes no resource"),
        ("Function/Role/Resource", "Serverless-LambdaStarPermissions", "Tracing takes no resource"),
        (
            "Function/Default/Resource",
            "AwsSolutions-L1",
            "The packages are wheels of Python 3.13, the newest that all engines have wheels for",
        ),
        (
            "Function/Default/Resource",
            "Serverless-LambdaLatestVersion",
            "The packages are wheels of Python 3.13, the newest that all engines have wheels for",
        ),
        (
            "Function/Default/Resource",
            "Serverless-LambdaDLQ",
            "API Gateway waits for the answer; nothing is sent to the function without somebody who waits",
        ),
    )
)
