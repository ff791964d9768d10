"""Events as API Gateway's REST APIs make them for a function, and the function to give them to."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from model_code.serving.aws_lambda.function import Function
from model_code.serving.aws_lambda.settings import FunctionSettings
from model_code.serving.aws_lambda.source import source_of
from tests.server.models import ModelFolder

VERSION = "0123456789ab"
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def function_of(model: ModelFolder, **environment: str) -> Function:
    settings = FunctionSettings.from_environment(
        {
            "SM_MODEL_DIR": str(model.path),
            "SLIPWAY_MANIFEST_SHA256": model.sha256,
            "SLIPWAY_MODEL_VERSION": VERSION,
            **environment,
        }
    )
    return Function(settings, source_of(settings))


def event(path: str = "/predict", body: Any = None, method: str = "POST", **headers: str) -> dict[str, Any]:
    """An event; `content_type=` becomes Content-Type. Bytes come in base64, as binary media types do."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    binary = isinstance(body, bytes)
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": named or None,
        "multiValueHeaders": {name: [value] for name, value in named.items()} or None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "1234567890",
            "domainName": "1234567890.execute-api.eu-central-1.amazonaws.com",
            "extendedRequestId": "JJbxmplHYosFVYQ=",
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "curl/8.5.0", "apiKey": None},
            "path": f"/dev{path}",
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "requestTime": "21/Nov/2026:10:00:00 +0000",
            "requestTimeEpoch": 1795255200000,
            "resourceId": "abc123",
            "resourcePath": path,
            "stage": "dev",
        },
        "body": base64.b64encode(body).decode() if binary else body,
        "isBase64Encoded": binary,
    }


def content(answer: dict[str, Any]) -> bytes:
    """The bytes that the caller gets."""
    body = answer["body"]
    return base64.b64decode(body, validate=True) if answer["isBase64Encoded"] else body.encode()


def error(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["headers"]["content-type"] == "application/json"
    return json.loads(answer["body"])["error"]


def damaged(model: ModelFolder, folder: Path) -> ModelFolder:
    """A copy of a model one of whose files is not what its manifest says."""
    copy = model.copy(folder)
    (folder / model.manifest["engine"]["file"]).write_bytes(b"something else")
    return copy
