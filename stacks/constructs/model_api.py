"""The API of one model: a REST API with its routes, its stage and who may call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from constructs import Construct, IDependable

from model_code.serving.doors.openapi import routes_of
from stacks.api_schema import body_hint, line_schema, table_schema
from stacks.constructs.api_access_logs import ApiAccessLogs, ApiAccessLogsProps
from stacks.constructs.api_alarms import ApiAlarms, ApiAlarmsProps
from stacks.constructs.api_backend import CLASSIFY, PAGE, READERS, ApiBackend, Route
from stacks.constructs.gateway_errors import GatewayErrors, GatewayErrorsProps
from stacks.constructs.usage_plan import UsagePlan, UsagePlanProps
from stacks.constructs.web_acl import WebAcl, WebAclProps
from stacks.settings import ModelSettings, StageSettings, stack_name

NPY: Final = "application/x-npy"
JSON: Final = "application/json"
# TLS 1.2 or 1.3, with ciphers that keep yesterday's traffic secret; the newest that all SDKs of today speak.
TLS_POLICY: Final = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
_PREFLIGHT_MAX_AGE = cdk.Duration.hours(1)
_CORS_HEADERS = ["Content-Type", "Accept", "Authorization", "X-Api-Key", "X-Amz-Date", "X-Amz-Security-Token"]


@dataclass(frozen=True, kw_only=True)
class ModelApiProps:
    """What a ModelApi needs to know."""

    stage: StageSettings
    model: ModelSettings
    manifest: Mapping[str, Any]
    """Of the artifact whose signature the API has."""
    backend: ApiBackend


class ModelApi(Construct):
    """A regional REST API with POST /predict and, for classes, /classify and /probabilities.

    GET /openapi.json describes it and GET / is a page to try it; both are closed as the rest is.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: ModelApiProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        serve = props.model.serve
        self.auth, self.origins = serve.resolved_auth(props.stage.name), serve.cors_origins
        name = stack_name(props.stage.name, props.model.name)
        logs = ApiAccessLogs(
            self,
            "AccessLogs",
            props=ApiAccessLogsProps(retention_days=props.stage.log_retention_days),
        )
        self.rest_api = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=name,
            description=f"The model {props.model.name}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            binary_media_types=[NPY],
            # The role for logs is the account's, one for all its APIs: docs/decisions/0014-the-api.md.
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=props.stage.name,
                throttling_rate_limit=serve.throttle_rate,
                throttling_burst_limit=serve.throttle_burst,
                # Those of each method, which cost extra; those of the API and its stage are there without.
                metrics_enabled=False,
                tracing_enabled=True,
                # Logs of the execution hold headers and, with data traces, bodies.
                logging_level=apigateway.MethodLoggingLevel.OFF,
                data_trace_enabled=False,
                access_log_destination=logs.destination,
                access_log_format=logs.format,
            ),
        )
        # CDK's own output, under a generated name.
        self.rest_api.node.try_remove_child("Endpoint")
        self._protect()
        # Where a function's form changes, its new alias may be called before the stage asks it.
        allowed = props.backend.attach(self.rest_api, props.stage.name)
        self._include_in_deployment({"binary": [NPY], "tls": TLS_POLICY}, allowed)
        self._add_methods()
        self._add_errors()
        self.url = self.rest_api.url
        self.key_id = self._add_plan() if self.auth == "api_key" else None
        ApiAlarms(
            self,
            "Alarms",
            props=ApiAlarmsProps(
                api_name=name,
                stage_name=props.stage.name,
                latency_ms=props.stage.model_latency_alarm_ms,
            ),
        )
        if props.stage.waf:
            WebAcl(
                self,
                "Firewall",
                props=WebAclProps(
                    name=name,
                    stage_arn=self.rest_api.deployment_stage.stage_arn,
                    requests_per_five_minutes=props.stage.waf_requests_per_five_minutes,
                    log_retention_days=props.stage.log_retention_days,
                ),
            )
        if serve.auth == "none":
            cdk.Annotations.of(self).add_warning_v2(
                "slipway:open-api",
                f'{props.model.name}: auth = "none", so everybody who knows the address can ask the model '
                'and you pay for it. auth = "iam" closes it.',
            )
        cdk.RemovalPolicies.of(self).destroy()

    def _protect(self) -> None:
        """Refuse connections below TLS 1.2; AWS's default for such an API takes 1.0."""
        resource = cast(apigateway.CfnRestApi, self.rest_api.node.default_child)
        resource.security_policy = TLS_POLICY
        # Strict would check names that clients have to send, and takes AWS 15 minutes to begin with.
        resource.endpoint_access_mode = "BASIC"

    def _add_errors(self) -> None:
        signature = self._props.manifest["signature"]
        GatewayErrors(
            self,
            "Errors",
            props=GatewayErrorsProps(
                api=self.rest_api,
                signed=self.auth == "iam",
                body_hint=body_hint(signature),
                origins=self.origins,
            ),
        )

    def _add_plan(self) -> str:
        serve = self._props.model.serve
        return UsagePlan(
            self,
            "Plan",
            props=UsagePlanProps(
                api=self.rest_api,
                rate=serve.throttle_rate,
                burst=serve.throttle_burst,
                quota_per_day=serve.quota_per_day,
            ),
        ).key_id

    def _include_in_deployment(self, described: Mapping[str, Any], *made: IDependable) -> None:
        """Make another deployment when what is described changes, after what it is made of."""
        deployment = cast(apigateway.Deployment, self.rest_api.latest_deployment)
        deployment.node.add_dependency(*made)
        deployment.add_to_logical_id(described)

    def _add_methods(self) -> None:
        signature = self._props.manifest["signature"]
        self._validator = self.rest_api.add_request_validator(
            "Body", validate_request_body=True, validate_request_parameters=True
        )
        self._table = self._add_model("Table", table_schema(signature))
        self._line = self._add_model("Line", line_schema(pattern=self._props.backend.line_pattern))
        for path in routes_of(self._props.manifest, self._props.backend.routes):
            self._add_method(Route("POST", path))
        for route in READERS:
            self._add_method(route)

    def _add_model(self, construct_id: str, schema: Mapping[str, Any]) -> apigateway.IModel:
        model = apigateway.CfnModel(
            self.rest_api,
            construct_id,
            rest_api_id=self.rest_api.rest_api_id,
            content_type=JSON,
            name=construct_id,
            schema=schema,
        )
        self._include_in_deployment({construct_id: schema}, model)
        return apigateway.Model.from_model_name(self, f"{construct_id}Model", model.ref)

    def _add_method(self, route: Route) -> None:
        posts = route.method == "POST"
        resource = self.rest_api.root.resource_for_path(route.path)
        resource.add_method(
            route.method,
            self._props.backend.integration(route),
            authorization_type=apigateway.AuthorizationType.IAM
            if self.auth == "iam"
            else apigateway.AuthorizationType.NONE,
            api_key_required=self.auth == "api_key",
            request_validator=self._validator if posts else None,
            request_models={JSON: self._line if route == CLASSIFY else self._table} if posts else None,
            request_parameters=self._props.backend.request_parameters(route),
            method_responses=self._props.backend.responses(route),
        )
        if self.origins and route != PAGE:
            resource.add_cors_preflight(
                allow_origins=list(self.origins),
                allow_methods=[route.method],
                allow_headers=_CORS_HEADERS,
                max_age=_PREFLIGHT_MAX_AGE,
            )
