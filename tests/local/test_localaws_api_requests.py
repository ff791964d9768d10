"""What a REST API of the embedded AWS takes, refuses and hands to its function."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from localaws.control import ACCOUNT, REGION
from tests.local.api import Api, deploy, destroy, template
from tests.local.api_echo import error, parts
from tests.local.conftest import Boto

STACK = "requests"


@pytest.fixture(scope="module")
def api(boto: Boto) -> Iterator[Api]:
    yield deploy(boto, STACK, template(*parts(), BinaryMediaTypes=["application/x-npy"]))
    destroy(boto, STACK)


def test_a_function_gets_the_event_that_rest_apis_send(api: Api) -> None:
    answer = api.send(
        "POST", "open?a=1&a=2&b=", b"[1]", {"Content-Type": "application/json", "User-Agent": "me"}
    )
    event = answer.json

    assert "version" not in event
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/open", "/open", "POST")
    assert (event["body"], event["isBase64Encoded"]) == ("[1]", False)
    assert event["queryStringParameters"] == {"a": "2", "b": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert event["pathParameters"] is None and event["stageVariables"] is None
    assert event["headers"]["Content-Type"] == "application/json"
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    context = event["requestContext"]
    assert (context["path"], context["stage"], context["resourcePath"]) == ("/local/open", "local", "/open")
    assert (context["accountId"], context["apiId"]) == (ACCOUNT, api.id)
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["identity"]["userAgent"] == "me"
    assert context["identity"]["userArn"] is None


def test_the_request_id_is_the_same_everywhere_and_a_trace_id_comes_along(api: Api) -> None:
    answer = api.send("GET")

    assert answer.json["requestContext"]["requestId"] == answer.headers["x-amzn-RequestId"]
    assert answer.headers["x-amz-apigw-id"] == answer.json["requestContext"]["extendedRequestId"]
    assert answer.headers["X-Amzn-Trace-Id"].startswith("Root=1-")
    assert answer.json["headers"]["X-Amzn-Trace-Id"] == answer.headers["X-Amzn-Trace-Id"]


def test_an_empty_body_is_null_and_a_binary_one_is_base64(api: Api) -> None:
    body = bytes(range(256))

    empty = api.send("POST", "open", b"").json
    binary = api.send("POST", "open", body, {"Content-Type": "application/x-npy"}).json

    assert (empty["body"], empty["isBase64Encoded"]) == (None, False)
    assert (base64.b64decode(binary["body"]), binary["isBase64Encoded"]) == (body, True)


def test_a_binary_answer_is_decoded_only_where_accept_begins_with_a_binary_type(api: Api) -> None:
    decoded = api.send("POST", "open", b"", {"X-Mode": "binary", "Accept": "application/x-npy, */*"})
    text = api.send("POST", "open", b"", {"X-Mode": "binary", "Accept": "*/*, application/x-npy"})

    assert decoded.body == bytes(range(256))
    assert base64.b64decode(text.body) == bytes(range(256))


def test_headers_of_a_function_pass_and_the_gateways_own_are_renamed(api: Api) -> None:
    answer = api.send("POST", "open", b"", {"X-Mode": "headers"})

    assert answer.status == 201
    assert (answer.headers["X-One"], answer.headers.get_all("X-Two")) == ("1", ["a", "b"])
    assert answer.headers["x-amzn-Remapped-Server"] == "mine"
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("mode", ["raise", "exit", "text", "no-status", "object", "large"])
def test_what_is_no_answer_of_a_function_is_502_without_its_words(api: Api, mode: str) -> None:
    answer = api.send("POST", "open", b"", {"X-Mode": mode})

    assert answer.status == 502
    assert error(answer)["message"] == "Internal server error"
    assert b"secret" not in answer.body


def test_a_function_slower_than_the_integration_is_504_and_stops_nobody_else(api: Api) -> None:
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        slow = pool.submit(api.send, "POST", "short", b"", {"X-Mode": "slow"})
        quick = api.send("POST", "open", b"")
        quick_s = time.monotonic() - started
        answer = slow.result()
        slow_s = time.monotonic() - started

    assert quick.status == 200 and quick_s < 0.9
    assert answer.status == 504 and 0.9 < slow_s < 1.9
    assert error(answer)["code"] == "INTEGRATION_TIMEOUT"


def test_a_function_whose_policy_does_not_name_the_api_is_500(api: Api, boto: Boto) -> None:
    client = boto("lambda")
    name = boto("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId="Function")[
        "StackResourceDetail"
    ]["PhysicalResourceId"]
    policy = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"][0]
    client.remove_permission(FunctionName=name, StatementId=policy["Sid"])
    try:
        answer = api.send("POST", "open", b"")
    finally:
        client.add_permission(
            FunctionName=name,
            StatementId=policy["Sid"],
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/*",
        )

    assert answer.status == 500
    assert error(answer)["code"] == "API_CONFIGURATION_ERROR"
    assert api.send("POST", "open", b"").status == 200


def test_a_throttled_function_is_500(api: Api, boto: Boto) -> None:
    client = boto("lambda")
    name = boto("cloudformation").describe_stack_resource(StackName=STACK, LogicalResourceId="Function")[
        "StackResourceDetail"
    ]["PhysicalResourceId"]
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        answer = api.send("POST", "open", b"")
    finally:
        client.delete_function_concurrency(FunctionName=name)

    assert answer.status == 500


def test_a_body_above_lambdas_limit_is_413_and_one_below_it_passes(api: Api) -> None:
    passes = api.send("POST", "open", b"x" * 2_500_000)
    refused = api.send("POST", "open", b"x" * (6 * 1024 * 1024))

    assert passes.status == 200
    assert refused.status == 413
    assert error(refused)["message"] == "Request Too Long"


def test_a_body_above_ten_megabytes_is_413_in_the_gateways_own_words(api: Api) -> None:
    answer = api.send("POST", "open", b"x" * (10 * 1024 * 1024 + 1))

    assert answer.status == 413
    assert answer.body == b"HTTP content length exceeded 10485760 bytes."


def test_headers_above_ten_kilobytes_are_431(api: Api) -> None:
    assert api.send("GET", "", headers={"X-Long": "x" * 10_240}).status == 431
    assert api.send("GET", "", headers={"X-Long": "x" * 9_000}).status == 200


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"{", "[Unknown error parsing request body]"),
        (b"", "[Unknown error parsing request body]"),
        (b"[[NaN]]", "[Unknown error parsing request body]"),
        (b"[" * 100_000, "[Unknown error parsing request body]"),
        (
            b'"x"',
            'instance type (string) does not match any allowed primitive type (allowed: ["array"])',
        ),
        (
            b"[[1], [1], [1], [1]]",
            "array is too long: must have at most 3 elements but instance has 4 elements",
        ),
        (b"[[1, 2, 3]]", "array is too long: must have at most 2 elements but instance has 3 elements"),
    ],
)
def test_a_body_that_the_model_refuses_is_400(api: Api, body: bytes, hint: str) -> None:
    answer = api.send("POST", "checked", body, {"Content-Type": "application/json; charset=utf-8"})

    assert answer.status == 400
    told = answer.body.decode()
    assert '"BAD_REQUEST_BODY"' in told and '"Invalid request body"' in told
    assert hint in told


def test_a_content_type_without_a_model_is_not_validated_and_none_counts_as_json(api: Api) -> None:
    assert api.send("POST", "checked", b"1,2\n", {"Content-Type": "text/csv"}).status == 200
    assert api.send("POST", "checked", b"[[1, 2]]").status == 200
    assert api.send("POST", "checked", b"1,2\n").status == 400


@pytest.mark.parametrize(("verb", "path"), [("GET", "nowhere"), ("DELETE", "open"), ("GET", "open/below")])
def test_what_the_api_has_not_is_403(api: Api, verb: str, path: str) -> None:
    answer = api.send(verb, path)

    assert answer.status == 403
    assert error(answer)["code"] == "MISSING_AUTHENTICATION_TOKEN"
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    assert answer.headers["X-Which"] == "DEFAULT_4XX"


def test_an_unknown_stage_is_403(api: Api) -> None:
    answer = Api(api.url.replace("/local/", "/other/")).send("GET")

    assert (answer.status, answer.json) == (403, {"message": "Forbidden"})


def test_an_integration_that_is_not_emulated_says_so_nowhere_but_fails(api: Api) -> None:
    assert api.send("GET", "http").status == 500


def test_pages_of_this_machine_are_answered_and_foreign_ones_are_not(api: Api) -> None:
    assert api.send("GET", headers={"Origin": "http://127.0.0.1:8080"}).status == 200
    assert api.send("GET", headers={"Origin": "https://evil.example"}).status == 403
