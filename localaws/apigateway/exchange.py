"""One request on its way through the gateway, and what `$context` says of it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localaws.apigateway.errors import GatewayError
from localaws.apigateway.request import Answer, Request
from localaws.apigateway.stage import Route, Stage

# `identity` of an event has each of these, null where it does not apply.
_IDENTITY = (
    "cognitoIdentityPoolId", "accountId", "cognitoIdentityId", "caller", "sourceIp", "principalOrgId",
    "accessKey", "cognitoAuthenticationType", "cognitoAuthenticationProvider", "userArn", "userAgent", "user",
)  # fmt: skip


@dataclass
class Exchange:
    """What is known of one request by now."""

    request: Request
    stage: Stage
    route: Route | None = None
    identity: dict[str, Any] = field(default_factory=dict)
    """Of the caller, by the names that `$context.identity` has."""
    authorizer: Mapping[str, Any] | None = None
    error: GatewayError | None = None
    integration_status: int | None = None
    integration_ms: float | None = None
    waf_status: int | None = None
    answer: Answer | None = None

    def identity_members(self) -> dict[str, Any]:
        """Return `requestContext.identity` of an event. A key is in it only where the method asks for one."""
        known = {"sourceIp": self.request.source_ip, "userAgent": self.request.header("user-agent") or None}
        members: dict[str, Any] = {name: {**known, **self.identity}.get(name) for name in _IDENTITY}
        keys: dict[str, Any] = {
            name: self.identity[name] for name in ("apiKey", "apiKeyId") if name in self.identity
        }
        return {**members, **keys}

    def context(self) -> dict[str, Any]:
        """Return `$context` as templates see it; what does not apply is missing.

        Source: "Variables for data transformations" and "Variables for access logging" in the API Gateway
        developer guide.
        """
        request, stage = self.request, self.stage
        told: dict[str, Any] = {
            "accountId": stage.scope.account,
            "apiId": stage.api_id,
            "awsEndpointRequestId": request.id if self.integration_ms is not None else None,
            "deploymentId": stage.deployment.id,
            "domainName": request.header("host"),
            "domainPrefix": stage.api_id,
            "extendedRequestId": request.extended_id,
            "httpMethod": request.method,
            "identity": _present(self.identity_members()),
            "path": f"/{stage.name}{request.path}",
            "protocol": request.protocol,
            "requestId": request.id,
            "requestTime": request_time(request.received),
            "requestTimeEpoch": int(request.received * 1000),
            "stage": stage.name,
            "xrayTraceId": request.trace_id.removeprefix("Root="),
            "authorizer": dict(self.authorizer) if self.authorizer else None,
            "wafResponseCode": "WAF_BLOCK"
            if self.waf_status == 403
            else "WAF_ALLOW"
            if stage.web_acl
            else None,
            "webaclArn": stage.web_acl["ARN"] if stage.web_acl else None,
        }
        if self.route:
            told |= {"resourceId": self.route.resource["id"], "resourcePath": self.route.resource["path"]}
        if self.error:
            told["error"] = _present(
                {
                    "message": self.error.message,
                    "messageString": _quoted(self.error.message),
                    "responseType": self.error.response_type,
                    "validationErrorString": self.error.validation,
                }
            )
        return _present(told)

    def log_context(self) -> dict[str, Any]:
        """Return `$context` as access logs see it: also how the request ended."""
        told = self.context()
        if self.answer:
            elapsed = (time.perf_counter() - self.request.started) * 1000
            told |= {
                "status": self.answer.status,
                "responseLength": len(self.answer.body),
                "responseLatency": round(elapsed),
            }
        if self.integration_ms is not None:
            told["integration"] = _present(
                {
                    "latency": round(self.integration_ms),
                    "status": self.integration_status,
                    "integrationStatus": self.integration_status,
                    "requestId": self.request.id,
                    "error": self.error.detail if self.error else None,
                }
            )
            told |= {"integrationLatency": round(self.integration_ms)}
            if self.integration_status is not None:
                told |= {"integrationStatus": self.integration_status}
        if self.error and self.error.detail:
            told["integrationErrorMessage"] = self.error.detail
        return told


def request_time(seconds: float) -> str:
    """Return a time as logs of the common format write it: 21/Nov/2026:16:47:28 +0000."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def looked_up(context: Mapping[str, Any], path: str) -> Any:
    """Return the variable at a dotted path, or None."""
    found: Any = context
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
