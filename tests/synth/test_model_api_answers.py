"""What an API answers by itself: errors in the one shape, and which web sites may read answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import aws_apigateway as apigateway

from stacks.constructs.gateway_errors import RESPONSES
from tests.synth.apis import CLASSES, api_template, methods
from tests.synth.harness import SIGNATURE, every

SITE, OTHER = "https://shop.example", "https://www.example.com"
HEADER = "gatewayresponse.header.Access-Control-Allow-Origin"


@pytest.fixture(scope="module")
def prod() -> dict[str, Any]:
    return api_template("prod")


def _errors(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        response["Properties"]["ResponseType"]: response["Properties"]
        for response in every(template, "AWS::ApiGateway::GatewayResponse")
    }


def _rendered(response: dict[str, Any], message: str = 'not "right"') -> dict[str, Any]:
    """Return the body as AWS makes it: variables are put in, and nothing else is looked at."""
    text: str = response["ResponseTemplates"]["application/json"]
    text = text.replace("$context.error.messageString", json.dumps(message))
    text = text.replace("$context.requestId", "a-request")
    assert "$" not in text
    error: dict[str, Any] = json.loads(text)["error"]
    return error


def test_every_type_that_aws_has_is_answered_in_our_shape(prod: dict[str, Any]) -> None:
    # CDK's list is AWS's; its names have an underscore where AWS's have none.
    known = {name.replace("_XX", "XX") for name in dir(apigateway.ResponseType) if name.isupper()}
    found = _errors(prod)
    assert set(found) == known == set(RESPONSES)
    for kind, response in found.items():
        error = _rendered(response)
        assert set(error) == {"code", "message", "hint", "request_id"}
        assert error["code"] == kind.lower()
        assert error["request_id"] == "a-request"
        assert error["message"]
        assert error["hint"]


def test_no_error_changes_the_status_that_aws_gives_it(prod: dict[str, Any]) -> None:
    assert not [kind for kind, response in _errors(prod).items() if "StatusCode" in response]


def test_a_fault_of_ours_says_nothing_of_how_things_are_inside(prod: dict[str, Any]) -> None:
    for kind in ("DEFAULT_5XX", "API_CONFIGURATION_ERROR", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT"):
        assert _rendered(_errors(prod)[kind], "secret")["message"] != "secret"


def test_who_asks_too_often_is_told_when_to_come_back(prod: dict[str, Any]) -> None:
    waits = {
        kind: response["ResponseParameters"]["gatewayresponse.header.Retry-After"]
        for kind, response in _errors(prod).items()
        if "ResponseParameters" in response
    }
    assert waits == {"THROTTLED": "'1'", "QUOTA_EXCEEDED": "'3600'"}


def test_a_refused_body_is_told_what_to_send_whatever_the_features_are_called() -> None:
    names = ['a "quoted" one', "$context.identity.sourceIp", "#set($x = 1)", "naïve", "back\\slash"]
    signature = {**SIGNATURE, "features": [{"name": name} for name in names]}
    template = api_template("prod", manifest={**CLASSES, "signature": signature})
    error = _rendered(_errors(template)["BAD_REQUEST_BODY"])
    for name in names:
        assert name in error["hint"]


def test_what_cannot_be_escaped_is_in_no_answer(prod: dict[str, Any]) -> None:
    assert "validationErrorString" not in json.dumps(_errors(prod))


@pytest.mark.parametrize(("auth", "hint"), [("iam", "Sign the request"), ("api_key", "/openapi.json")])
def test_a_wrong_path_is_told_what_it_may_be(auth: str, hint: str) -> None:
    error = _rendered(_errors(api_template("dev", auth=auth))["MISSING_AUTHENTICATION_TOKEN"])
    assert hint in error["hint"]


def test_no_web_site_may_read_answers_unless_it_is_named(prod: dict[str, Any]) -> None:
    assert not [verb for verb, _ in methods(prod) if verb == "OPTIONS"]
    assert "Access-Control" not in json.dumps(prod)


def test_a_named_site_may_ask_before_and_read_errors() -> None:
    template = api_template("prod", cors_origins=[SITE])
    preflights = {path for verb, path in methods(template) if verb == "OPTIONS"}
    assert preflights == {"/predict", "/classify", "/probabilities", "/openapi.json"}
    for response in _errors(template).values():
        assert response["ResponseParameters"][HEADER] == f"'{SITE}'"
    assert '"*"' not in json.dumps(every(template, "AWS::ApiGateway::Method"))


def test_of_several_sites_none_is_named_to_the_others() -> None:
    template = api_template("prod", cors_origins=[SITE, OTHER])
    assert HEADER not in json.dumps(template)
    preflight = json.dumps(methods(template)["OPTIONS", "/predict"])
    assert SITE in preflight
    assert OTHER in preflight


def test_a_preflight_asks_for_no_signature_and_tells_nothing_of_the_model() -> None:
    preflight = methods(api_template("prod", cors_origins=[SITE]))["OPTIONS", "/predict"]
    assert preflight["AuthorizationType"] == "NONE"
    assert preflight["Integration"]["Type"] == "MOCK"
