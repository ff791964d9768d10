"""Findings on APIs that stay on purpose: as accepted.py, which has them too, or as a model.toml asks."""

from __future__ import annotations

from collections.abc import Sequence

from stacks.acceptance import Accepted

Found = tuple[str, str, str]
ROUTES = ("GET", "openapi.json/GET", "predict/POST", "classify/POST", "probabilities/POST")
_METHODS = "Api/Rest/Default"
_IN_ALL: tuple[Found, ...] = (
    (
        "Api/Rest/DeploymentStage.{stage}/Resource",
        "AwsSolutions-APIG6",
        "Logs of the execution hold what callers send; the access log has a line for each request",
    ),
    *(
        (
            f"{_METHODS}/{route}/Resource",
            "AwsSolutions-COG4",
            "Callers are programs, and sign as for every AWS API (auth in model.toml); Cognito is for people",
        )
        for route in ROUTES
    ),
)
_IN_FRONT_DOORS: tuple[Found, ...] = (
    (
        "ApiRestAskEndpoint8EE30FF2",
        "H-07[apigateway.amazonaws.com]",
        "AWS documents no source for roles that API Gateway takes; an API can name the role only with "
        "iam:PassRole in this account, and it may ask one endpoint and nothing else",
    ),
)
OF_APIS = tuple(
    Accepted(
        stack="model",
        path=path,
        finding=finding,
        reason=reason,
        accepted="2026-11-21",
        expires="2027-11-21",
    )
    for path, finding, reason in (*_IN_ALL, *_IN_FRONT_DOORS)
)


def asked_for(auth: str, origins: Sequence[str]) -> list[Found]:
    """Return what cdk-nag finds because a model.toml says so.

    Args:
        auth: who may call the API.
        origins: the web sites that may; a browser asks before, without showing who it is.
    """
    found = []
    if auth != "iam":
        found += [
            (f"{_METHODS}/{route}/Resource", "AwsSolutions-APIG4", f'auth = "{auth}" says so')
            for route in ROUTES
        ]
    if origins:
        found += [
            (
                f"{_METHODS}/{route.rpartition('/')[0]}/OPTIONS/Resource",
                finding,
                "Browsers ask without showing who they are; the answer is which sites may call",
            )
            for route in ROUTES
            if "/" in route
            for finding in ("AwsSolutions-APIG4", "AwsSolutions-COG4")
        ]
    return found
