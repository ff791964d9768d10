"""Who may call a method: IAM's decision on the signed request, or what else the method asks for."""

import os
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_evaluator, responses, router, sigv4
from ministack.services import apigateway_v1

from localaws.apigateway.errors import GatewayError, missing_token
from localaws.apigateway.exchange import Exchange
from localaws.apigateway.request import Request
from localaws.apigateway.stage import Route
from localaws.ministack_plugin.scope import acting_in

# The gateway response and x-amzn-ErrorType of a signature that fails; any other is an unknown key.
_FAILURES = {
    "SignatureDoesNotMatch": ("INVALID_SIGNATURE", "InvalidSignatureException"),
    "RequestTimeTooSkewed": ("INVALID_SIGNATURE", "InvalidSignatureException"),
    "CredentialDateMismatch": ("INVALID_SIGNATURE", "InvalidSignatureException"),
    "ExpiredTokenException": ("EXPIRED_TOKEN", "ExpiredTokenException"),
    "IncompleteSignature": ("DEFAULT_4XX", "IncompleteSignatureException"),
    "MissingAuthorizationParameter": ("DEFAULT_4XX", "IncompleteSignatureException"),
}
_UNKNOWN = ("DEFAULT_4XX", "UnrecognizedClientException")


class MinistackCallers:
    """Callers.

    A method with AWS_IAM takes signed requests alone, and IAM decides about execute-api:Invoke.
    """

    async def authorize(self, exchange: Exchange, route: Route) -> None:
        """Raise GatewayError, or put the caller into the exchange."""
        kind = str(route.method.get("authorizationType") or "NONE").upper()
        if kind == "AWS_IAM":
            _check_signed(exchange)
            return
        exchange.authorizer = await _others(exchange, route)


def _check_signed(exchange: Exchange) -> None:
    request, stage = exchange.request, exchange.stage
    headers, query = _headers(request), _query(request)
    if not headers.get("authorization") and "X-Amz-Algorithm" not in query:
        raise missing_token()
    if not headers.get("authorization", "AWS4-HMAC-SHA256").startswith("AWS4-HMAC-SHA256") and (
        refused := sigv4.foreign_authorization_failure(headers)
    ):
        raise _failure(*refused)
    key = router.extract_access_key_id(headers, query) or ""
    responses.set_request_account_id(app._request_account_scope(key) if key else stage.scope.account)
    responses.set_request_region(stage.scope.region)
    app.pin_request_origin(request.source_ip, True)
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
    iam_evaluator.pin_signed_request(request.method, request.raw_path, query, raw)
    iam_evaluator.pin_signed_body(request.body)
    if iam_evaluator._is_root_key(key):
        _check_root(request, headers, query)
    arn = stage.arn(request.method, request.path)
    denied = iam_evaluator.enforce(
        key, "execute-api:Invoke", "apigateway", stage.scope.region, resource_arn=arn
    )
    if isinstance(denied, iam_evaluator.AuthError):
        raise _failure(denied.code, denied.message)
    if denied:
        account = stage.scope.account
        hidden = arn.replace(f":{account}:", f":********{account[-4:]}:", 1)
        reason = " with an explicit deny" if denied.decision == "Deny" else ""
        raise GatewayError(
            "ACCESS_DENIED",
            f"User: {denied.principal_arn} is not authorized to perform: execute-api:Invoke on resource: "
            f"{hidden}{reason}",
        )
    exchange.identity |= apigateway_v1._iam_caller_identity(headers, query) or {}


def _check_root(request: Request, headers: dict[str, str], query: dict[str, list[str]]) -> None:
    """Check the root user's signature, which ministack takes whatever it is."""
    presigned = not headers.get("authorization")
    signature = sigv4.parse_query_signature(query) if presigned else sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple):
        raise _failure(*signature)
    failure = sigv4.request_time_failure(signature) or sigv4.header_signature_failure(
        signature, os.environ["AWS_SECRET_ACCESS_KEY"], request.method, request.raw_path, query, headers,
        request.body, presigned=presigned,
    )  # fmt: skip
    if failure:
        raise _failure(*failure)


async def _others(exchange: Exchange, route: Route) -> dict[str, Any] | None:
    """Return what an authorizer adds. Without authorization, the API's own policy decides alone."""
    request, stage = exchange.request, exchange.stage
    with acting_in(stage.scope):
        error, context = await apigateway_v1._authorize_request_v1(
            stage.api_id, stage.name, route.method, request.method, request.path, route.resource,
            _headers(request), request.body, _query(request), dict(route.path_parameters), stage.settings,
            stage.scope.account, stage.scope.region,
        )  # fmt: skip
    if error is not None:
        raise GatewayError(error.response_type, error.message or "", error_type=error.error_type)
    return context if context is None else dict(context)


def _failure(code: str, message: str) -> GatewayError:
    response_type, error_type = _FAILURES.get(code, _UNKNOWN)
    return GatewayError(response_type, message, status=403, error_type=error_type)


def _headers(request: Request) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in request.headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _query(request: Request) -> dict[str, list[str]]:
    return parse_qs(request.query_string, keep_blank_values=True)
