"""Which log groups hold what a deployed model says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from slipway.aws import Aws, made
from slipway.errors import SettingsError

LogKind = Literal["model", "access", "deployment"]

_BEANSTALK = "/aws/elasticbeanstalk"
# What Beanstalk's instances write, by the ends of the groups' names. There is no access log: Docker
# Compose has no proxy before it ("Docker configuration" in the developer guide).
_BEANSTALK_FILES: Mapping[LogKind, tuple[str, ...]] = {
    "model": ("/var/log/eb-docker/containers/eb-current-app/stdouterr.log",),
    "deployment": ("/var/log/eb-engine.log", "/var/log/eb-hooks.log", "/environment-health.log"),
}


def log_groups(aws: Aws, model: str, kind: LogKind) -> list[str]:
    """Return the names of a model's log groups; they need not be there yet.

    Args:
        aws: where.
        model: the model's name.
        kind: "model" is what its containers or its function say, "access" one line a request of its API,
            "deployment" what Beanstalk's instances say of a deployment.

    Raises:
        NotDeployed: there is no such stack.
        SettingsError: what serves the model has no log of the kind.
    """
    outputs = aws.outputs(model)
    if "EnvironmentName" in outputs and kind in _BEANSTALK_FILES:
        return _of_environment(aws, outputs["EnvironmentName"], kind)
    if kind == "access" and "ApiUrl" in outputs:
        return [_of_api(aws, model)]
    if kind == "model" and "FunctionName" in outputs:
        about = aws.client("lambda").get_function_configuration(FunctionName=outputs["FunctionName"])
        return [str(about["LoggingConfig"]["LogGroup"])]
    if kind == "model" and "EndpointName" in outputs:
        return [f"/aws/sagemaker/Endpoints/{outputs['EndpointName']}"]
    raise SettingsError(
        f"What serves {model} has no {kind} log.",
        why="Models behind an API have an access log, those on Beanstalk a deployment log.",
        fix=f"Run: slipway logs {model}",
    )


def _of_environment(aws: Aws, name: str, kind: LogKind) -> list[str]:
    """Return the kind's groups that are there, else the one to expect first."""
    prefix, files = f"{_BEANSTALK}/{name}", _BEANSTALK_FILES[kind]
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{prefix}/")
    names = {str(group["logGroupName"]) for page in pages for group in page["logGroups"]}
    return [prefix + file for file in files if prefix + file in names] or [prefix + files[0]]


def _of_api(aws: Aws, model: str) -> str:
    stage = aws.client("apigateway").get_stage(
        restApiId=made(aws, model, "AWS::ApiGateway::RestApi"),
        stageName=made(aws, model, "AWS::ApiGateway::Stage"),
    )
    return str(stage["accessLogSettings"]["destinationArn"]).partition(":log-group:")[2].removesuffix(":*")
