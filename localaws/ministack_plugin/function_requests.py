"""Lambda's API in front of ministack's: what it refuses, and what a change means for what runs here."""

import asyncio
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol
from urllib.parse import unquote

import botocore.session
from ministack import app
from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from localaws.errors import LocalAwsError
from localaws.lambda_functions.errors import FailedError
from localaws.lambda_functions.function import Image
from localaws.lambda_functions.host import PRINCIPAL
from localaws.lambda_functions.refusals import (
    MAX_ASYNC_EVENT_BYTES,
    MAX_EVENT_BYTES,
    MAX_REQUEST_BYTES,
    RefusedError,
    refuse_event,
    refuse_settings,
    refuse_size,
)
from localaws.lambda_functions.service import Functions
from localaws.ministack_plugin.function_records import function_of
from localaws.ministack_plugin.functions import provision
from localaws.ministack_plugin.scope import current
from localaws.ports import AccessDeniedError, RoleSessions, Scope

_FUNCTION = re.compile(r"/2015-03-31/functions(?:/(?P<name>[^/]+))?(?P<rest>/[a-z/-]*)?/?")
_PROVISIONED = re.compile(r".*/functions/([^/]+)/(provisioned-concurrency|aliases(/[^/]+)?)/?")
_TYPE_HEADER = "x-amz-invocation-type"
Json = dict[str, Any]


class Images(Protocol):
    """The images that functions can be made from."""

    def check(self, image: Image, scope: Scope) -> None:
        """Raise RefusedError for one that Lambda would not take."""


class Requests:
    """Checks requests and properties before ministack takes them."""

    def __init__(self, functions: Functions, roles: RoleSessions, images: Images) -> None:
        self._functions = functions
        self._roles = roles
        self._images = images

    def apply(self) -> None:
        """Stand in front of ministack's handler."""
        original = app.SERVICE_HANDLERS["lambda"]

        async def handle(method: str, path: str, headers: Json, body: bytes, query: Any) -> Any:
            try:
                await asyncio.to_thread(self._check_request, method, path, headers, body)
            except RefusedError as error:
                return error_response_json(error.code, str(error), error.status)
            answer = await original(method, path, headers, body, query)
            if method in ("PUT", "POST", "DELETE") and answer[0] < 300:
                await asyncio.to_thread(self._follow, method, path, body)
            return answer

        app.SERVICE_HANDLERS["lambda"] = handle

    def check(self, settings: Mapping[str, Any], name: str) -> None:
        """Raise RefusedError for what a function must not be set to. Blocks: not for the event loop."""
        refuse_settings(settings, _runtimes)
        here = current()
        if role := settings.get("Role"):
            arn = f"arn:aws:lambda:{here.region}:{here.account}:function:{name}"
            try:
                self._roles.assume(role, service=PRINCIPAL, source_arn=arn, scope=here)
            except AccessDeniedError as error:
                raise RefusedError(
                    "The role defined for the function cannot be assumed by Lambda."
                ) from error
        code = settings.get("Code") or {}
        if uri := code.get("ImageUri"):
            self._images.check(Image(uri), here)
        elif code.get("S3Key"):
            refuse_missing(code)

    def _check_request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        match = _FUNCTION.fullmatch(path)
        if match is None:
            return
        kind = (method, match["rest"] or "")
        if kind == ("POST", "/invocations"):
            waits = headers.get(_TYPE_HEADER, "RequestResponse") != "Event"
            refuse_size("InvokeFunction", len(body), MAX_EVENT_BYTES if waits else MAX_ASYNC_EVENT_BYTES)
            refuse_event(body)
        elif kind == ("POST", ""):
            refuse_size("CreateFunction", len(body), MAX_REQUEST_BYTES)
            data = _json(body)
            self.check(data, str(data.get("FunctionName", "")))
        elif kind == ("PUT", "/code"):
            refuse_size("UpdateFunctionCode", len(body), MAX_REQUEST_BYTES)
            self.check({"Code": _json(body)}, match["name"] or "")
        elif kind == ("PUT", "/configuration"):
            self.check(_json(body), match["name"] or "")

    def _follow(self, method: str, path: str, body: bytes) -> None:
        """Begin what a first start would have to wait for, and keep provisioned environments in line."""
        match = _FUNCTION.fullmatch(path)
        kind = (method, (match["rest"] or "") if match else "no function")
        if match and kind in (("POST", ""), ("PUT", "/code"), ("PUT", "/configuration")):
            name = match["name"] or _json(body).get("FunctionName", "")
            record = lambda_svc._functions.get(lambda_svc._resolve_name(unquote(name)))
            if record and (function := function_of(record, record["config"])):
                self._functions.prepare_soon(function)
        if changed := _PROVISIONED.fullmatch(path):
            self._provision(lambda_svc._resolve_name(unquote(changed[1])))

    def _provision(self, name: str) -> None:
        status, reason = "READY", ""
        try:
            provision(self._functions, name)
        except (FailedError, LocalAwsError) as error:
            status, reason = "FAILED", f"FUNCTION_ERROR_INIT_FAILURE: {error}"
        for asked in (lambda_svc._functions.get(name) or {}).get("provisioned_concurrency", {}).values():
            asked |= {"Status": status, "StatusReason": reason} if reason else {"Status": status}


def refuse_missing(code: Mapping[str, Any]) -> None:
    """Raise RefusedError for a zip file that is not in S3."""
    found = lambda_svc._fetch_code_from_s3(
        code.get("S3Bucket"), code.get("S3Key"), version_id=code.get("S3ObjectVersion")
    )
    if found is None:
        raise RefusedError(
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key "
            "does not exist."
        )


@cache
def _runtimes() -> tuple[str, ...]:
    model = botocore.session.Session().get_service_model("lambda")
    return tuple(model.shape_for("Runtime").enum)


def _json(body: bytes) -> Json:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
