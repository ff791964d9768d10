"""One line for each request of an API: who asked what, and how it ended. No body and no query."""

from __future__ import annotations

import json
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.retention import log_retention

# The route is the resource's path and not what was asked for; what a caller writes freely, such as its user
# agent, is left out.
FORMAT = {
    "request_id": "$context.requestId",
    "extended_request_id": "$context.extendedRequestId",
    "trace_id": "$context.xrayTraceId",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "route": "$context.resourcePath",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integrationLatency",
    "integration_status": "$context.integration.status",
    "response_bytes": "$context.responseLength",
    "source_ip": "$context.identity.sourceIp",
    "caller": "$context.identity.userArn",
    "api_key_id": "$context.identity.apiKeyId",
    "waf_status": "$context.wafResponseCode",
}


@dataclass(frozen=True, kw_only=True)
class ApiAccessLogsProps:
    """What ApiAccessLogs needs to know."""

    retention_days: int


class ApiAccessLogs(Construct):
    """A log group of the API's own, and what a line of it holds."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ApiAccessLogsProps) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self,
            "Default",
            # No name of ours: requests on their way while the API is deleted make API Gateway write the group
            # anew, under the account's role, and a second deploy would find its name taken (terraform 32693).
            retention=log_retention(props.retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.destination = apigateway.LogGroupLogDestination(self.log_group)
        self.format = apigateway.AccessLogFormat.custom(json.dumps(FORMAT))
