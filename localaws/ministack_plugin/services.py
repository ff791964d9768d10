"""Adds services to ministack's front door.

Routing, the IAM action and resource of each request, and the handler.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack import app
from ministack.core import iam_actions

from localaws.beanstalk.protocol import NAMESPACE
from localaws.beanstalk.service import Beanstalk
from localaws.ministack_plugin.scope import current
from localaws.ports import Scope
from localaws.sagemaker.service import SageMaker


@dataclass(frozen=True)
class Service:
    """One row of the service table.

    `claims(path, headers)` says whether a request is the service's; the SigV4 scope and the path tell.
    `authorization(path, headers, body, scope)` gives IAM action and resource; `handle` with the same gives
    the answer. `further(body, scope)` gives what else the action is to be allowed on.
    """

    name: str
    claims: Callable[[str, Mapping[str, str]], bool]
    authorization: Callable[[str, Mapping[str, str], bytes, Scope], tuple[str, str]]
    handle: Callable[[str, Mapping[str, str], bytes, Scope], Any]
    further: Callable[[bytes, Scope], Sequence[str]] = lambda _body, _scope: ()


def sagemaker_row(service: SageMaker) -> Service:
    """Return SageMaker's row; control plane and runtime sign with the same scope."""
    runtime_path = re.compile(r"/endpoints/[^/]+/(async-)?invocations(-response-stream)?")

    def claims(path: str, headers: Mapping[str, str]) -> bool:
        if headers.get("x-amz-target", "").startswith("SageMaker."):
            return True
        # An object "x/invocations" in a bucket "endpoints" has the same path; its signature says s3.
        return bool(runtime_path.fullmatch(path)) and "/s3/aws4_request" not in headers.get(
            "authorization", ""
        )

    return Service("sagemaker", claims, service.authorization, service.handle)


def beanstalk_row(service: Beanstalk) -> Service:
    """Return Elastic Beanstalk's row: a form at the root, signed with its scope; errors are XML."""
    iam_actions._SERVICE_PROTOCOL["elasticbeanstalk"] = "query-xml"
    iam_actions._QUERY_XML_NS["elasticbeanstalk"] = NAMESPACE

    def claims(_path: str, headers: Mapping[str, str]) -> bool:
        return "/elasticbeanstalk/aws4_request" in headers.get("authorization", "")

    return Service("elasticbeanstalk", claims, service.authorization, service.handle, service.further)


def register(services: tuple[Service, ...]) -> None:
    """Put the services into ministack's dispatch and its IAM enforcement."""
    by_name = {service.name: service for service in services}
    for service in services:
        app.SERVICE_HANDLERS[service.name] = _handler(service)
        iam_actions.SERVICE_TO_IAM_NAMESPACE[service.name] = service.name
    _wrap_detection(services)
    _wrap_authorization(by_name)
    _wrap_denials(by_name)
    _keep_content_types(frozenset(by_name))


def _handler(service: Service) -> Callable[..., Any]:
    async def handle(_method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        for arn in service.further(body, current()):
            action, _ = service.authorization(path, headers, body, current())
            denied = app._enforce_data_plane(
                service.name, action, headers, query, "", resource_arn=arn, named_resource=arn
            )
            if denied:
                return denied
        return await service.handle(path, headers, body, current())

    return handle


def _wrap_detection(services: tuple[Service, ...]) -> None:
    original = app.detect_service

    def detect_service(method: str, path: str, headers: dict[str, str], query_params: dict[str, Any]) -> str:
        for service in services:
            if service.claims(path, headers):
                return service.name
        return str(original(method, path, headers, query_params))

    app.detect_service = detect_service


def _wrap_authorization(by_name: Mapping[str, Service]) -> None:
    original_action, original_arn = iam_actions.extract_iam_action, iam_actions.extract_resource_arn

    def action(service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        if row := by_name.get(service):
            return row.authorization(path, headers, body, current())[0]
        return original_action(service, method, path, headers, body, query)

    def arn(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any,
        region: str, account_id: str,
    ) -> Any:  # fmt: skip
        if row := by_name.get(service):
            return row.authorization(path, headers, body, current())[1]
        return original_arn(service, method, path, headers, body, query, region, account_id)

    iam_actions.extract_iam_action = action
    iam_actions.extract_resource_arn = arn


def _wrap_denials(by_name: Mapping[str, Service]) -> None:
    """Denials of these services name the resource; they are 400 from a JSON API and 403 from a REST path."""
    original = iam_actions.access_denied_response

    def access_denied_response(
        service: str, action: str, principal_arn: str, request_id: str, **details: Any
    ) -> Any:
        if service not in by_name or details.get("error_code"):
            return original(service, action, principal_arn, request_id, **details)
        if not details.get("message"):
            details["message"] = iam_actions.identity_denial_message(
                action, principal_arn, details.get("resource_arn", "*"), details.get("explicit_deny", False)
            )
        status, headers, body = original(service, action, principal_arn, request_id, **details)
        is_json_api = "x-amz-target" in (details.get("headers") or {})
        return 400 if is_json_api else status, headers, body

    iam_actions.access_denied_response = access_denied_response


def _keep_content_types(names: frozenset[str]) -> None:
    """ministack corrects the content types of its own services' envelopes.

    A model's answer is not an envelope.
    """
    for attribute in ("fix_success_content_type", "fix_error_content_type"):
        original = getattr(app, attribute)

        def fix(service: str, status: int, headers: dict[str, str], _original: Any = original) -> None:
            if service not in names:
                _original(service, status, headers)

        setattr(app, attribute, fix)
