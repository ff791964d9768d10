"""An API with everything that limits it: keys, plans, throttles, a web ACL; and an access log."""

from __future__ import annotations

import json
from typing import Any

from tests.local.api import Resources, function, method, proxy, template

STACK = "limits"
GROUP = "/test/api-access"
CODE = """
def handler(event, context):
    return {"statusCode": 200, "body": "ok"}
"""
FORMAT = json.dumps(
    {
        "requestId": "$context.requestId", "ip": "$context.identity.sourceIp",
        "key": "$context.identity.apiKeyId",
        "user": "$context.identity.userArn", "agent": "$context.identity.userAgent",
        "time": "$context.requestTime", "method": "$context.httpMethod", "resource": "$context.resourcePath",
        "path": "$context.path", "status": "$context.status", "length": "$context.responseLength",
        "latency": "$context.responseLatency", "integration": "$context.integration.latency",
        "integrationStatus": "$context.integration.status", "error": "$context.error.message",
        "type": "$context.error.responseType", "waf": "$context.wafResponseCode",
        "reason": "$context.integrationErrorMessage",
    }
)  # fmt: skip


def key(name: str, *, enabled: bool = True) -> Resources:
    return {name: {"Type": "AWS::ApiGateway::ApiKey", "Properties": {"Enabled": enabled}}}


def plan(name: str, keys: tuple[str, ...], **limits: Any) -> Resources:
    stages = [{"ApiId": {"Ref": "Api"}, "Stage": {"Ref": "Stage"}}]
    found: Resources = {
        name: {"Type": "AWS::ApiGateway::UsagePlan", "Properties": {"ApiStages": stages, **limits}}
    }
    for entry in keys:
        found[f"{name}{entry}"] = {
            "Type": "AWS::ApiGateway::UsagePlanKey",
            "Properties": {"KeyId": {"Ref": entry}, "KeyType": "API_KEY", "UsagePlanId": {"Ref": name}},
        }
    return found


def web_acl(limit: int) -> Resources:
    visible = {"CloudWatchMetricsEnabled": True, "MetricName": "m", "SampledRequestsEnabled": False}
    rate = {
        "Name": "rate", "Priority": 0, "Action": {"Block": {}}, "VisibilityConfig": visible,
        "Statement": {"RateBasedStatement": {"Limit": limit, "AggregateKeyType": "IP"}},
    }  # fmt: skip
    group = {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}
    managed = {
        "Name": "common", "Priority": 1, "OverrideAction": {"None": {}}, "VisibilityConfig": visible,
        "Statement": {"ManagedRuleGroupStatement": group},
    }  # fmt: skip
    arn = {"Fn::Sub": "arn:aws:apigateway:${AWS::Region}::/restapis/${Api}/stages/${Stage}"}
    return {
        "WebAcl": {
            "Type": "AWS::WAFv2::WebACL",
            "Properties": {
                "DefaultAction": {"Allow": {}}, "Scope": "REGIONAL", "Rules": [rate, managed],
                "VisibilityConfig": visible,
            },
        },
        "Association": {
            "Type": "AWS::WAFv2::WebACLAssociation",
            "Properties": {"ResourceArn": arn, "WebACLArn": {"Fn::GetAtt": ["WebAcl", "Arn"]}},
        },
        "WafGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "aws-waf-logs-test"}},
        "WafLogs": {
            "Type": "AWS::WAFv2::LoggingConfiguration",
            "Properties": {
                "ResourceArn": {"Fn::GetAtt": ["WebAcl", "Arn"]},
                "LogDestinationConfigs": [{"Fn::GetAtt": ["WafGroup", "Arn"]}],
            },
        },
    }  # fmt: skip


def stage() -> dict[str, Any]:
    wide = {
        "HttpMethod": "*",
        "ResourcePath": "/*",
        "ThrottlingRateLimit": 10_000,
        "ThrottlingBurstLimit": 5_000,
    }
    narrow = {
        "HttpMethod": "GET",
        "ResourcePath": "/~1slow",
        "ThrottlingRateLimit": 1,
        "ThrottlingBurstLimit": 10,
    }
    return {
        "AccessLogSetting": {"DestinationArn": {"Fn::GetAtt": ["Group", "Arn"]}, "Format": FORMAT},
        "MethodSettings": [wide, narrow],
        "TracingEnabled": True,
    }


def body(limit: int) -> dict[str, Any]:
    keyed = {"ApiKeyRequired": True}
    return template(
        function(CODE),
        {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": GROUP}}},
        method("slow", "GET", proxy()),
        method("open", "GET", proxy()),
        method("keyed", "GET", proxy(), **keyed),
        key("Good"),
        key("Off", enabled=False),
        key("Unplanned"),
        key("Quick"),
        key("Few"),
        plan("Plan", ("Good", "Off"), Throttle={"RateLimit": 1000, "BurstLimit": 1000}),
        plan("Burst", ("Quick",), Throttle={"RateLimit": 1, "BurstLimit": 3}),
        plan("Quota", ("Few",), Quota={"Limit": 2, "Period": "DAY"}),
        web_acl(limit),
        stage=stage(),
        Name=STACK,
    )
