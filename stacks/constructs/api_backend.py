"""What answers behind an API: a function, or something else with the same routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import IDependable

# The version of Lambda's API in the addresses that API Gateway takes; there is no other.
_LAMBDA_PATH = "2015-03-31/functions"


@dataclass(frozen=True)
class Route:
    """One method of an API."""

    method: Literal["GET", "POST"]
    path: str
    """Below the stage: /predict; / is the page."""


PREDICT, CLASSIFY, PROBABILITIES = (
    Route("POST", path) for path in ("/predict", "/classify", "/probabilities")
)
OPENAPI, PAGE = Route("GET", "/openapi.json"), Route("GET", "/")
READERS = (OPENAPI, PAGE)


class ApiBackend(Protocol):
    """What answers an API's requests."""

    routes: tuple[str, ...]
    """The paths for predictions that it can have, whatever the model."""
    line_pattern: str | None
    """What the text for /classify has to match, where the gateway is the only one to look at it."""

    def attach(self, api: apigateway.RestApi, stage: str, /) -> IDependable:
        """Let the API's stage, and nobody else's, ask it; return what has to be there before one does."""

    def integration(self, route: Route, /) -> apigateway.Integration:
        """Return how a route's requests get there; `attach` came before."""

    def request_parameters(self, route: Route, /) -> dict[str, bool]:
        """Return the headers of a request that the integration reads."""

    def responses(self, route: Route, /) -> list[apigateway.MethodResponse]:
        """Return the statuses and headers of a route that API Gateway has to know."""


class LambdaBackend:
    """An alias of a function, which gets requests whole and answers them whole."""

    def __init__(self, alias: lambda_.IFunction) -> None:
        self._alias = alias
        self.routes = tuple(route.path for route in (PREDICT, CLASSIFY, PROBABILITIES))
        self.line_pattern: str | None = None

    def attach(self, api: apigateway.RestApi, stage: str, /) -> IDependable:
        """Add one permission, for the deployed stage alone: the console's test button is not in it."""
        return lambda_.CfnPermission(
            api,
            "Invoke",
            action="lambda:InvokeFunction",
            function_name=self._alias.function_arn,
            principal="apigateway.amazonaws.com",
            source_arn=api.arn_for_execute_api("*", "/*", stage),
        )

    def integration(self, _route: Route, /) -> apigateway.Integration:
        """Return the proxy integration."""
        return apigateway.AwsIntegration(
            proxy=True,
            service="lambda",
            path=f"{_LAMBDA_PATH}/{self._alias.function_arn}/invocations",
            options=apigateway.IntegrationOptions(timeout=cdk.Duration.seconds(29)),
        )

    def request_parameters(self, _route: Route, /) -> dict[str, bool]:
        """None: the function gets all."""
        return {}

    def responses(self, _route: Route, /) -> list[apigateway.MethodResponse]:
        """None: the function says them."""
        return []
