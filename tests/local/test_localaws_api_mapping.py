"""REST APIs of the embedded AWS without a function: SageMaker's runtime and MOCK, by templates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from localaws.control import ACCOUNT, REGION
from tests.local.api import Api, Resources, deploy, destroy, method, reasons, template, wait
from tests.local.conftest import Boto
from tests.local.toy import Toy, allow

STACK = "mapping"
ENDPOINT = "mapped"
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{ENDPOINT}"
# What the model answered goes on with its own status, as text that must not end the string it is in.
OF_MODEL = """#set($status = $input.path('$.OriginalStatusCode'))
#set($told = $input.path('$.OriginalMessage'))
#if($status >= 400 && $status < 500 && $told.startsWith('{'))
#set($context.responseOverride.status = $status)
#set($context.responseOverride.header['X-Which'] = "model")
{"error": {"message": "$util.escapeJavaScript($told)", "id": "$context.requestId", "none": "$!{nothing}"}}
#else
#set($context.responseOverride.status = 502)
{"error": {"message": $input.json('$.Message')}}
#end"""


def role(
    name: str, statements: list[dict[str, Any]], principal: str = "apigateway.amazonaws.com"
) -> Resources:
    trust = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": "sts:AssumeRole"}
    return {
        name: {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                "Policies": [
                    {
                        "PolicyName": "ask",
                        "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
                    }
                ]
                if statements
                else [],
            },
        }
    }


def asked(role_name: str, responses: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    headers = {
        "integration.request.header.Content-Type": "method.request.header.Content-Type",
        "integration.request.header.Accept": "'application/json'",
        "integration.request.header.X-Amzn-SageMaker-Custom-Attributes": "method.request.header.X-Status",
    }
    uri = f"arn:aws:apigateway:{REGION}:runtime.sagemaker:path/endpoints/{ENDPOINT}/invocations"
    return {
        "Type": "AWS",
        "IntegrationHttpMethod": "POST",
        "Uri": uri,
        "Credentials": {"Fn::GetAtt": [role_name, "Arn"]},
        "RequestParameters": headers,
        "IntegrationResponses": responses,
        **more,
    }


def rows() -> list[dict[str, Any]]:
    variant = {
        "method.response.header.X-Variant": "integration.response.header.x-Amzn-Invoked-Production-Variant"
    }
    typed = {"method.response.header.Content-Type": "integration.response.header.Content-Type"}
    return [
        {"StatusCode": "200", "SelectionPattern": "2\\d{2}", "ResponseParameters": variant | typed},
        {"StatusCode": "424", "SelectionPattern": "424", "ResponseTemplates": {"application/json": OF_MODEL}},
        {
            "StatusCode": "502",
            "ResponseTemplates": {"application/json": "{\"other\": $input.json('$')}"},
        },
    ]


def method_responses() -> list[dict[str, Any]]:
    headers = {"method.response.header.X-Variant": True, "method.response.header.Content-Type": True}
    return [{"StatusCode": status, "ResponseParameters": headers} for status in ("200", "424", "502")]


def mock(request: str, responses: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "Type": "MOCK",
        "RequestTemplates": {"application/json": request},
        "IntegrationResponses": responses,
        **more,
    }


def parts() -> tuple[Resources, ...]:
    headers = {"method.request.header.Content-Type": False, "method.request.header.X-Status": False}
    responses = {"MethodResponses": method_responses(), "RequestParameters": headers}
    invoke = allow(["sagemaker:InvokeEndpoint"], ARN)
    line = '{"body": "$input.path(\'$.data\')", "x": "$input.params(\'x\')"}'
    allowed = {
        "method.response.header.Access-Control-Allow-Origin": "'https://a.example'",
        "method.response.header.Access-Control-Allow-Methods": "'OPTIONS,POST'",
    }
    cors = mock("{ statusCode: 204 }", [{"StatusCode": "204", "ResponseParameters": allowed}])
    page = '{"stage": "$stageVariables.color", "path": "$context.resourcePath"}'
    chosen = mock(
        "{\"statusCode\": $input.params('status')}",
        [
            {
                "StatusCode": "200",
                "ResponseTemplates": {"text/html": "<p>$context.stage", "application/json": page},
            },
            {"StatusCode": "418", "SelectionPattern": "4..", "ResponseTemplates": {"application/json": "{}"}},
        ],
    )
    return (
        role("Ask", [invoke]),
        role("Other", [allow(["sagemaker:InvokeEndpoint"], ARN + "-other")]),
        role("Foreign", [invoke], "lambda.amazonaws.com"),
        method("predict", "POST", asked("Ask", rows(), PassthroughBehavior="WHEN_NO_TEMPLATES"), **responses),
        method(
            "line",
            "POST",
            asked("Ask", rows(), RequestTemplates={"application/json": line}, PassthroughBehavior="NEVER"),
            **responses,
        ),
        method("denied", "POST", asked("Other", rows()), **responses),
        method("foreign", "POST", asked("Foreign", rows()), **responses),
        method(
            "undeclared",
            "POST",
            asked("Ask", [{"StatusCode": "200"}]),
            **{**responses, "MethodResponses": [{"StatusCode": "424"}]},
        ),
        method(
            "cors",
            "OPTIONS",
            cors,
            MethodResponses=[{"StatusCode": "204", "ResponseParameters": dict.fromkeys(allowed, True)}],
        ),
        method("mock", "GET", chosen, MethodResponses=[{"StatusCode": "200"}, {"StatusCode": "418"}]),
    )


@pytest.fixture(scope="module")
def api(boto: Boto, toy: Toy) -> Iterator[Api]:
    toy.endpoint(ENDPOINT, "echo")
    body = template(*parts(), stage={"Variables": {"color": "red"}}, BinaryMediaTypes=["application/x-npy"])
    yield deploy(boto, STACK, body)
    destroy(boto, STACK)
    toy.drop(ENDPOINT)


def test_a_body_of_any_type_passes_to_the_endpoint_byte_by_byte(api: Api) -> None:
    binary = bytes(range(256))

    csv = api.send("POST", "predict", b"1,2\n", {"Content-Type": "text/csv", "X-Secret": "s"})
    npy = api.send("POST", "predict", binary, {"Content-Type": "application/x-npy"})

    assert (csv.status, npy.status) == (200, 200)
    assert csv.json["headers"]["Content-Type"] == "text/csv"
    assert csv.json["headers"]["Content-Length"] == "4"
    assert npy.json["headers"]["Content-Length"] == "256"
    assert "X-Secret" not in csv.json["headers"]
    assert csv.headers["X-Variant"] == ENDPOINT
    assert csv.headers["Content-Type"] == "application/json"


def test_a_template_makes_the_request_and_refuses_types_that_it_has_not(api: Api) -> None:
    made = api.send("POST", "line?x=%22", b'{"data": ".10"}', {"Content-Type": "application/json"})
    other = api.send("POST", "line", b"1", {"Content-Type": "text/csv"})
    broken = api.send("POST", "line", b"{", {"Content-Type": "application/json"})

    assert made.status == 200
    assert made.json["headers"]["Content-Length"] == str(len('{"body": ".10", "x": """}'))
    assert (other.status, other.json) == (415, {"message": "Unsupported Media Type"})
    assert broken.status == 400
    assert "Could not parse request body into json" in broken.json["message"]


def test_what_a_model_refuses_keeps_its_status_and_words(api: Api) -> None:
    answer = api.send("POST", "predict", b"[]", {"Content-Type": "application/json", "X-Status": "422"})

    assert answer.status == 422
    assert answer.headers["X-Which"] == "model"
    told = answer.json["error"]
    assert json.loads(told["message"])["type"] == "application/json"
    assert (told["id"], told["none"]) == (answer.headers["x-amzn-RequestId"], "")


def test_what_a_model_fails_at_is_502(api: Api) -> None:
    answer = api.send("POST", "predict", b"[]", {"Content-Type": "application/json", "X-Status": "500"})

    assert answer.status == 502
    assert "Received server error (500)" in answer.json["error"]["message"]


def test_a_role_without_the_right_gets_the_default_answer(api: Api) -> None:
    answer = api.send("POST", "denied", b"[]")

    assert answer.status == 502
    assert "is not authorized to perform: sagemaker:InvokeEndpoint" in json.dumps(answer.json)


@pytest.mark.parametrize("path", ["foreign", "undeclared"])
def test_a_role_that_cannot_be_assumed_and_a_status_not_declared_are_500(api: Api, path: str) -> None:
    answer = api.send("POST", path, b"[]", {"Content-Type": "application/json"})

    assert (answer.status, answer.json) == (500, {"message": "Internal server error"})


def test_cross_origin_questions_are_answered_without_a_backend(api: Api) -> None:
    answer = api.send("OPTIONS", "cors", headers={"Origin": "http://localhost:3000"})

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS,POST"


def test_a_mock_answers_by_status_and_accept(api: Api) -> None:
    json_answer = api.send("GET", "mock?status=200")
    html = api.send("GET", "mock?status=200", headers={"Accept": "text/html,*/*"})
    teapot = api.send("GET", "mock?status=409")
    broken = api.send("GET", "mock?status=")

    assert json_answer.json == {"stage": "red", "path": "/mock"}
    assert (html.headers["Content-Type"], html.body) == ("text/html", b"<p>local")
    assert teapot.status == 418
    assert broken.status == 500


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"RequestParameters": {}}, "method.request.header"),
        ({"MethodResponses": [{"StatusCode": "200"}]}, "method.response.header"),
        ({"MethodResponses": []}, "No method response exists"),
    ],
)
def test_a_mapping_of_what_the_method_does_not_declare_fails_the_stack(
    boto: Boto, change: dict[str, Any], named: str
) -> None:
    body = template(*parts())
    body["Resources"]["PredictPost"]["Properties"] |= change
    cloudformation = boto("cloudformation")

    cloudformation.create_stack(
        StackName="refused", TemplateBody=json.dumps(body), Capabilities=["CAPABILITY_IAM"]
    )
    status, why = wait(boto, "refused")["StackStatus"], reasons(boto, "refused")
    destroy(boto, "refused")

    assert status == "ROLLBACK_COMPLETE"
    assert any("Invalid mapping expression" in reason and named in reason for reason in why)
