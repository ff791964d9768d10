"""What Lambda refuses of a function that is to be created or changed, in its own words.

Requests and CloudFormation properties have the same members; only those that are there are looked at.
Sources: "Lambda quotas" and "Defined runtime environment variables" in the Lambda developer guide, and the
texts that users quote from the service.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

MAX_EVENT_BYTES = 6 * 1024 * 1024
MAX_ASYNC_EVENT_BYTES = 1024 * 1024
MAX_REQUEST_BYTES = 70_167_211  # a zip file of 50 MB in base64, and the rest
_MAX_ENVIRONMENT_BYTES = 4096
_MAX_LAYERS = 5
_HANDLER = re.compile(r"[^\s]{1,128}")
_RANGES = (("memorySize", "MemorySize", 128, 10_240), ("timeout", "Timeout", 1, 900))
_RESERVED = frozenset(
    {
        *("_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV"),
        *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION"),
        *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"),
    }
)


class RefusedError(Exception):
    """Lambda's answer: an error's `code`, its text, and the HTTP `status`."""

    def __init__(self, message: str, code: str = "InvalidParameterValueException", status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def refuse_settings(settings: Mapping[str, Any], runtimes: Callable[[], tuple[str, ...]]) -> None:
    """Raise RefusedError. `runtimes` are the values that the API's own model lists."""
    for member, name, low, high in _RANGES:
        if name in settings:
            _refuse_number(member, int(settings[name]), low, high)
    if (runtime := settings.get("Runtime")) and runtime not in runtimes():
        raise RefusedError(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(runtimes())}] or be a valid ARN"
        )
    handler = settings.get("Handler")
    if handler is not None and not _HANDLER.fullmatch(str(handler)):
        raise RefusedError(
            f"1 validation error detected: Value '{handler}' at 'handler' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [^\s]+",
            "ValidationException",
        )
    if len(settings.get("Layers") or ()) > _MAX_LAYERS:
        raise RefusedError("Cannot reference more than 5 layers.")
    _refuse_variables((settings.get("Environment") or {}).get("Variables") or {})


def refuse_size(operation: str, size: int, limit: int) -> None:
    """Raise RefusedError for a request that is too large."""
    if size > limit:
        raise RefusedError(
            f"Request must be smaller than {limit} bytes for the {operation} operation",
            "RequestTooLargeException" if operation == "InvokeFunction" else "RequestEntityTooLargeException",
            413,
        )


def refuse_event(body: bytes) -> None:
    """Raise RefusedError for an event that is no JSON."""
    try:
        json.loads(body or b"{}")
    except ValueError as error:
        raise RefusedError(
            f"Could not parse request body into json: {error}", "InvalidRequestContentException"
        ) from error


def _refuse_number(member: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        bound = f"less than or equal to {high}" if value > high else f"greater than or equal to {low}"
        raise RefusedError(
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
            f"Member must have value {bound}",
            "ValidationException",
        )


def _refuse_variables(variables: Mapping[str, str]) -> None:
    head = "Lambda was unable to configure your environment variables because the environment variables you "
    if reserved := sorted(_RESERVED & set(variables)):
        raise RefusedError(
            f"{head}have provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if len(json.dumps(dict(variables), separators=(",", ":"))) > _MAX_ENVIRONMENT_BYTES:
        raise RefusedError(f"{head}have provided exceeded the 4KB limit.")
