"""An API whose function answers with its event, or does what a header says; its errors are in one shape."""

from __future__ import annotations

from typing import Any

from tests.local.api import Resources, function, method, proxy

# Answers with its event, or does what the header X-Mode says.
CODE = """
import base64, json, os, time
def handler(event, context):
    mode = (event["headers"] or {}).get("X-Mode", "")
    if mode == "raise":
        raise ValueError("secret words")
    if mode == "exit":
        os._exit(1)
    if mode == "slow":
        time.sleep(2)
    if mode == "text":
        return "no response"
    if mode == "no-status":
        return {"body": "x"}
    if mode == "object":
        return {"statusCode": 200, "body": {"a": 1}}
    if mode == "binary":
        return {"statusCode": 200, "headers": {"content-type": "application/x-npy"},
                "body": base64.b64encode(bytes(range(256))).decode(), "isBase64Encoded": True}
    if mode == "large":
        return {"statusCode": 200, "body": "x" * (6 * 1024 * 1024 + 100)}
    if mode == "headers":
        return {"statusCode": "201", "headers": {"X-One": 1, "Server": "mine"},
                "multiValueHeaders": {"X-Two": ["a", "b"]}}
    return {"statusCode": 200, "body": json.dumps(event)}
"""
SHAPE = (
    '{"error": {"code": "$context.error.responseType", "message": $context.error.messageString, '
    '"hint": "$context.error.validationErrorString", "request_id": "$context.requestId"}}'
)
SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "array",
    "maxItems": 3,
    "items": {"type": "array", "maxItems": 2},
}


def gateway_response(kind: str) -> Resources:
    return {
        f"Answer{kind.title().replace('_', '')}": {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ResponseType": kind,
                "ResponseTemplates": {"application/json": SHAPE},
                "ResponseParameters": {"gatewayresponse.header.X-Which": f"'{kind}'"},
            },
        }
    }


def parts() -> tuple[Resources, ...]:
    validated = {
        "RequestValidatorId": {"Ref": "Validator"},
        "RequestModels": {"application/json": {"Ref": "Table"}},
    }
    return (
        function(CODE, Timeout=8),
        gateway_response("DEFAULT_4XX"),
        gateway_response("DEFAULT_5XX"),
        {
            "Validator": {
                "Type": "AWS::ApiGateway::RequestValidator",
                "Properties": {
                    "RestApiId": {"Ref": "Api"},
                    "ValidateRequestBody": True,
                    "ValidateRequestParameters": True,
                },
            },
            "Table": {
                "Type": "AWS::ApiGateway::Model",
                "Properties": {
                    "RestApiId": {"Ref": "Api"},
                    "ContentType": "application/json",
                    "Name": "Table",
                    "Schema": SCHEMA,
                },
            },
        },
        method("", "GET", proxy()),
        method("open", "POST", proxy()),
        method("short", "POST", proxy(TimeoutInMillis=1000)),
        method("checked", "POST", proxy(), **validated),
        method("iam", "POST", proxy(), AuthorizationType="AWS_IAM"),
        method(
            "http",
            "GET",
            {"Type": "HTTP_PROXY", "Uri": "http://127.0.0.1:9/", "IntegrationHttpMethod": "GET"},
        ),
    )


def error(answer: Any) -> dict[str, str]:
    told: dict[str, str] = answer.json["error"]
    assert told["request_id"] == answer.headers["x-amzn-RequestId"]
    return told
