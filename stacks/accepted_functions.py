"""Findings that stay on purpose in stacks with a model's function: as accepted.py, which has them too."""

from __future__ import annotations

from stacks.acceptance import Accepted

_PYTHON = "The packages are wheels of Python 3.13, the newest that all engines have wheels for"
_WAITING = "Somebody waits for every answer, API Gateway or a deploy; nothing is sent and left"
_NO_SOURCE = "Lambda names no source when it takes a function's role; "
_TRACING = "Tracing takes no resource, and neither does joining a VPC"
_ONE_PREFIX = "One prefix of the stage's own bucket, this model's: the names below it are made later"
_MODELS = "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::<BucketName>/models/{model}/*]"
_NETWORK = (
    "ec2:AssignPrivateIpAddresses,ec2:CreateNetworkInterface,ec2:DeleteNetworkInterface,"
    "ec2:DescribeNetworkInterfaces,ec2:DescribeSubnets,ec2:UnassignPrivateIpAddresses"
)

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
        ("FunctionRole8EE059BE", "H-07[lambda.amazonaws.com]", _NO_SOURCE + "this one reads its model"),
        (
            "FunctionRole8EE059BE",
            f"H-03[{_NETWORK}]",
            "In a VPC: for a function, the actions take no resource; the role denies them to its code",
        ),
        ("Function/Role/Resource", "AwsSolutions-IAM5[Resource::*]", _TRACING),
        ("Function/Role/Resource", "Serverless-LambdaStarPermissions", _TRACING),
        ("Function/Role/Resource", _MODELS, _ONE_PREFIX),
        ("Function/Default/Resource", "AwsSolutions-L1", _PYTHON),
        ("Function/Default/Resource", "Serverless-LambdaLatestVersion", _PYTHON),
        ("Function/Default/Resource", "Serverless-LambdaDLQ", _WAITING),
        ("Function/Image/Resource", "Serverless-LambdaDLQ", _WAITING),
        (
            "GoldenCheckCheckerRoleD5A3931B",
            "H-07[lambda.amazonaws.com]",
            _NO_SOURCE + "this one calls one model's function and nothing else",
        ),
        *(
            (
                "GoldenCheck/Checker/Role/Resource",
                f"AwsSolutions-IAM5[Resource::<{function}.Arn>:*]",
                "The versions of one function: AWS numbers them",
            )
            for function in ("Function76856677", "FunctionImageDB5A4251")
        ),
        (
            "ModelStorerRoleFDDBFA67",
            "H-07[lambda.amazonaws.com]",
            _NO_SOURCE + "this one writes one model's objects and nothing else",
        ),
        ("Model/Storer/Role/Resource", _MODELS, _ONE_PREFIX),
    )
)
