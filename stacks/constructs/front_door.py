"""A SageMaker endpoint behind an API: API Gateway asks it by itself, without a function in between."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from constructs import Construct, IDependable

from model_code.serving.doors import page as pages
from model_code.serving.doors.openapi import Door, openapi
from stacks import front_door_templates as templates
from stacks.api_schema import MAX_ROWS
from stacks.constructs.api_backend import CLASSIFY, OPENAPI, PREDICT, Route
from stacks.constructs.endpoint import Endpoint
from stacks.constructs.gateway_errors import cors_headers
from stacks.constructs.model_api import ModelApi, ModelApiProps
from stacks.rights import allow, inline
from stacks.settings import ModelSettings, StageSettings
from training.artifact import Artifact

_JSON: Final = "application/json"
_VARIANT: Final = "x-Amzn-Invoked-Production-Variant"
_METHOD, _INTEGRATION = "method.response.header.", "integration.response.header."
# A 400 may become a 429.
_WAITS: Final = {"400": ["Retry-After"], "429": ["Retry-After"]}
_TIMEOUT = cdk.Duration.seconds(29)


@dataclass(frozen=True, kw_only=True)
class SageMakerBackendProps:
    """What a SageMakerBackend needs to know."""

    endpoint: Endpoint
    champion: Artifact
    auth: Literal["iam", "api_key", "none"]
    origins: Sequence[str]
    """One web site at the most that may read answers."""


class SageMakerBackend:
    """An endpoint. API Gateway passes requests and answers on, and writes errors anew.

    /predict gets everything that the endpoint reads, byte by byte. /classify is made of it by templates, for
    classes that are texts or integers. No endpoint tells probabilities. The description and the page are
    constants of the API.
    """

    def __init__(self, props: SageMakerBackendProps) -> None:
        self._props = props
        self._kind = str(props.champion.manifest["signature"]["prediction"]["type"])
        self.line_pattern: str | None = templates.LINE_PATTERN
        self.routes = (PREDICT.path, *([CLASSIFY.path] if self._kind in ("string", "integer") else []))

    def attach(self, api: apigateway.RestApi, _stage: str, /) -> IDependable:
        """Make the role that API Gateway asks the endpoint with.

        AWS documents no aws:SourceArn for a role that API Gateway takes, so there is no condition on it. To
        name the role in another API takes iam:PassRole in this account.
        """
        self._role = iam.Role(
            api,
            "AskEndpoint",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            description="What API Gateway may do for this API",
            inline_policies=inline(
                {"Ask": [allow(["sagemaker:InvokeEndpoint"], [self._props.endpoint.endpoint_arn])]}
            ),
        )
        return self._role

    def integration(self, route: Route, /) -> apigateway.Integration:
        """Return the integration of a route."""
        if route.method == "GET":
            return self._constant(route)
        if route == CLASSIFY:
            return self._asked(
                accept="'application/json'",
                content_type="'text/csv'",
                request={_JSON: templates.LINE_TO_CSV},
                response={_JSON: templates.prediction_of(self._kind)},
            )
        return self._asked(
            accept="method.request.header.Accept", content_type="method.request.header.Content-Type"
        )

    def request_parameters(self, route: Route, /) -> dict[str, bool]:
        """Return what of a request the integration reads; none of it has to be there."""
        headers = ("Accept", "Content-Type") if route == PREDICT else ()
        return {f"method.request.header.{header}": False for header in headers}

    def responses(self, route: Route, /) -> list[apigateway.MethodResponse]:
        """Return the statuses of a route, and the headers that come with them."""
        read = route.method == "GET"
        named = ["Content-Type", *(self._headers(route) if read else [_VARIANT])]
        return [
            _method_response("200", [*named, *self._allowed]),
            *(
                _method_response(answer.status, [*_WAITS.get(answer.status, []), *self._allowed])
                for answer in templates.ERRORS
                if not read
            ),
        ]

    @property
    def _allowed(self) -> dict[str, str]:
        return cors_headers(self._props.origins)

    def _asked(
        self,
        *,
        accept: str,
        content_type: str,
        request: Mapping[str, str] | None = None,
        response: Mapping[str, str] | None = None,
    ) -> apigateway.Integration:
        typed = "'application/json'" if response else f"{_INTEGRATION}Content-Type"
        return apigateway.AwsIntegration(
            service="runtime.sagemaker",
            path=f"endpoints/{self._props.endpoint.endpoint_name}/invocations",
            options=apigateway.IntegrationOptions(
                credentials_role=self._role,
                timeout=_TIMEOUT,
                request_parameters={
                    "integration.request.header.Accept": accept,
                    "integration.request.header.Content-Type": content_type,
                },
                request_templates=request,
                # Without templates every body passes; with them no other type does.
                passthrough_behavior=apigateway.PassthroughBehavior.NEVER
                if request
                else apigateway.PassthroughBehavior.WHEN_NO_TEMPLATES,
                integration_responses=[
                    apigateway.IntegrationResponse(
                        status_code="200",
                        selection_pattern=templates.GOOD,
                        # A template reads text, also for a caller that accepts NPY.
                        content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT if response else None,
                        response_parameters=_mapped(
                            {"Content-Type": typed, _VARIANT: f"{_INTEGRATION}{_VARIANT}", **self._allowed}
                        ),
                        response_templates=response,
                    ),
                    *map(self._error, templates.ERRORS),
                ],
            ),
        )

    def _error(self, answer: templates.Answered) -> apigateway.IntegrationResponse:
        return apigateway.IntegrationResponse(
            status_code=answer.status,
            selection_pattern=answer.pattern,
            # To a caller that accepts NPY, too, an error is text.
            content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,
            response_parameters=_mapped(
                {**({"Retry-After": "'1'"} if answer.status == "429" else {}), **self._allowed}
            ),
            response_templates={_JSON: answer.template},
        )

    def _constant(self, route: Route) -> apigateway.Integration:
        content, headers = self._content(route), self._headers(route)
        # A mapping quotes its values, and cannot hold one with quotes in it.
        mapped = {name: f"'{value}'" for name, value in headers.items() if "'" not in value}
        set_by_template = {name: value for name, value in headers.items() if "'" in value}
        return apigateway.MockIntegration(
            request_templates={_JSON: '{"statusCode": 200}'},
            passthrough_behavior=apigateway.PassthroughBehavior.NEVER,
            integration_responses=[
                apigateway.IntegrationResponse(
                    status_code="200",
                    content_handling=apigateway.ContentHandling.CONVERT_TO_TEXT,
                    response_parameters=_mapped({**mapped, **self._allowed}),
                    response_templates={
                        headers["Content-Type"].partition(";")[0]: templates.constant(
                            content, set_by_template
                        )
                    },
                )
            ],
        )

    def _content(self, route: Route) -> bytes:
        props = self._props
        if route == OPENAPI:
            door = Door(
                "gateway",
                version=props.champion.version,
                max_rows=MAX_ROWS,
                auth=props.auth,
                routes=self.routes,
            )
            return json.dumps(openapi(props.champion.manifest, door)).encode()
        return pages.page(
            props.champion.manifest, version=props.champion.version, auth=props.auth, routes=self.routes
        )

    def _headers(self, route: Route) -> dict[str, str]:
        if route == OPENAPI:
            return {"Content-Type": _JSON}
        return {name.title(): value for name, value in pages.HEADERS.items()}


def _mapped(headers: Mapping[str, str]) -> dict[str, str] | None:
    return {f"{_METHOD}{name}": value for name, value in headers.items()} or None


def _method_response(status: str, headers: Sequence[str]) -> apigateway.MethodResponse:
    return apigateway.MethodResponse(
        status_code=status,
        response_parameters={f"{_METHOD}{name}": True for name in headers},
        response_models={},
    )


def front_door(
    scope: Construct,
    construct_id: str,
    *,
    stage: StageSettings,
    model: ModelSettings,
    champion: Artifact,
    endpoint: Endpoint,
) -> ModelApi:
    """Put an API before a model's endpoint.

    Args:
        scope: the model's stack.
        construct_id: the API's id there.
        stage: where.
        model: the settings.
        champion: the artifact whose signature the API has.
        endpoint: what answers.
    """
    backend = SageMakerBackend(
        SageMakerBackendProps(
            endpoint=endpoint,
            champion=champion,
            auth=model.serve.resolved_auth(stage.name),
            origins=model.serve.cors_origins,
        )
    )
    props = ModelApiProps(stage=stage, model=model, manifest=champion.manifest, backend=backend)
    return ModelApi(scope, construct_id, props=props)
