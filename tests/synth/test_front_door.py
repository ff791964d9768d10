"""An API before an endpoint: what it may do, what it passes on, and what it makes of errors."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_code.serving.doors.openapi import Door, openapi
from model_code.serving.doors.page import HEADERS, page
from slipway.errors import SettingsError
from stacks.api_schema import MAX_ROWS
from stacks.front_door_templates import LINE_PATTERN
from stacks.template_reading import rendered
from tests.synth.apis import methods
from tests.synth.harness import every, make_project, only, role, synthesize
from training.artifact import load_artifact

# "Mapping template size" in the quotas of API Gateway.
MOST_TEMPLATE_BYTES = 300_000
Project = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("project"), "iris", "diabetes")


@pytest.fixture(scope="module")
def build(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    def build(stage: str = "prod", **serve: str) -> dict[str, Any]:
        settings = {f"iris__serve__{key}": value for key, value in {"front_door": "true", **serve}.items()}
        out = tmp_path_factory.mktemp("out")
        return synthesize(root, out, stage=stage, models="iris", **settings)[f"slipway-{stage}-iris"]

    return build


@pytest.fixture(scope="module")
def prod(build: Project) -> dict[str, Any]:
    return build()


def _integration(template: dict[str, Any], verb: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = methods(template)[verb, path]["Integration"]
    return found


def _answers(template: dict[str, Any], path: str = "/predict") -> dict[str, dict[str, Any]]:
    integration = _integration(template, "POST", path)
    return {answer["StatusCode"]: answer for answer in integration["IntegrationResponses"]}


def _selected(template: dict[str, Any], status: str) -> str:
    """Return which answer API Gateway takes: the one whose pattern is the whole status, else the default."""
    answers = _answers(template)
    (default,) = (code for code, answer in answers.items() if "SelectionPattern" not in answer)
    matching = [
        code
        for code, answer in answers.items()
        if "SelectionPattern" in answer and re.fullmatch(answer["SelectionPattern"], status)
    ]
    assert len(matching) <= 1
    return matching[0] if matching else default


def test_a_model_has_none_unless_it_asks_for_it(root: Path, tmp_path: Path) -> None:
    template = synthesize(root, tmp_path, stage="prod", models="iris")["slipway-prod-iris"]
    assert every(template, "AWS::ApiGateway::RestApi") == []
    assert "ApiUrl" not in template["Outputs"]


@pytest.mark.parametrize(
    "serve",
    [
        {},
        {"image": "own"},
        {"target": "sagemaker-serverless", "instance_type": None},
    ],
    ids=["sklearn", "own", "serverless"],
)
def test_it_stands_before_every_endpoint_of_ours(serve: dict[str, Any], root: Path, tmp_path: Path) -> None:
    settings = {f"iris.serve.{key}": value for key, value in serve.items() if value is not None}
    if "target" in serve:
        toml = root / "model_code" / "iris" / "model.toml"
        text = toml.read_text()
        toml.write_text(text.replace('instance_type = "ml.m5.large"', ""))
    template = synthesize(
        root, tmp_path, stage="dev", models="iris", **{"iris.serve.front_door": "true"}, **settings
    )["slipway-dev-iris"]
    assert set(methods(template)) == {
        ("GET", "/"),
        ("GET", "/openapi.json"),
        ("POST", "/predict"),
        ("POST", "/classify"),
    }
    assert {method["AuthorizationType"] for method in methods(template).values()} == {"AWS_IAM"}
    if "target" in serve:
        toml.write_text(text)


def test_its_outputs_say_where_it_is_and_who_may_call(prod: dict[str, Any], build: Project) -> None:
    assert rendered(prod["Outputs"]["ApiUrl"]["Value"]).startswith("https://<ApiRest4DEC74FE>.execute-api.")
    assert prod["Outputs"]["ApiAuth"]["Value"] == "iam"
    assert "ApiKeyId" not in prod["Outputs"]
    assert "ApiKeyId" in build("dev", auth="api_key")["Outputs"]


def test_it_may_ask_this_endpoint_and_nothing_else(prod: dict[str, Any]) -> None:
    ask = role(prod, "ApiRestAskEndpoint")["Properties"]
    (policy,) = ask["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    (endpoint,) = (n for n, r in prod["Resources"].items() if r["Type"] == "AWS::SageMaker::Endpoint")
    assert (statement["Action"], statement["Resource"]) == ("sagemaker:InvokeEndpoint", {"Ref": endpoint})
    (trust,) = ask["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "apigateway.amazonaws.com"}


def test_no_function_stands_in_between(prod: dict[str, Any]) -> None:
    assert every(prod, "AWS::Lambda::Permission") == []
    for path in ("/predict", "/classify"):
        integration = _integration(prod, "POST", path)
        assert integration["Type"] == "AWS"
        assert re.search(
            r":runtime\.sagemaker:path/endpoints/<Endpoint\.EndpointName>/invocations$",
            rendered(integration["Uri"]),
        )
        assert integration["Credentials"]["Fn::GetAtt"][0].startswith("ApiRestAskEndpoint")


def test_predict_passes_body_and_types_on_as_they_are(prod: dict[str, Any]) -> None:
    integration = _integration(prod, "POST", "/predict")
    assert "RequestTemplates" not in integration
    assert integration["PassthroughBehavior"] == "WHEN_NO_TEMPLATES"
    for header in ("Accept", "Content-Type"):
        mapped = integration["RequestParameters"][f"integration.request.header.{header}"]
        assert mapped == f"method.request.header.{header}"
        assert methods(prod)["POST", "/predict"]["RequestParameters"][mapped] is False
    good = _answers(prod)["200"]
    assert "ResponseTemplates" not in good
    assert "ContentHandling" not in good


@pytest.mark.parametrize(
    ("status", "answered"),
    [
        ("200", "200"),
        ("400", "400"),
        ("403", "502"),
        ("404", "502"),
        ("413", "413"),
        ("424", "424"),
        ("429", "429"),
        ("500", "502"),
        ("503", "503"),
        ("530", "502"),
    ],
)
def test_no_error_of_sagemaker_passes_for_an_answer(status: str, answered: str, prod: dict[str, Any]) -> None:
    assert _selected(prod, status) == answered


def test_every_answer_has_a_status_that_the_method_knows(prod: dict[str, Any]) -> None:
    for method in methods(prod).values():
        declared = {answer["StatusCode"]: answer for answer in method["MethodResponses"]}
        for answer in method["Integration"]["IntegrationResponses"]:
            headers = set(answer.get("ResponseParameters", {}))
            assert headers <= set(declared[answer["StatusCode"]].get("ResponseParameters", {}))


def test_an_error_is_text_to_a_caller_that_accepts_npy_too(prod: dict[str, Any]) -> None:
    for code, answer in _answers(prod).items():
        assert (answer.get("ContentHandling") == "CONVERT_TO_TEXT") == (code != "200")


def test_what_a_template_makes_is_text_whatever_a_caller_accepts(prod: dict[str, Any]) -> None:
    for method in methods(prod).values():
        for answer in method["Integration"]["IntegrationResponses"]:
            if "ResponseTemplates" in answer:
                assert answer["ContentHandling"] == "CONVERT_TO_TEXT"


def test_classify_makes_a_row_of_csv_of_one_text_and_a_text_of_one_prediction(prod: dict[str, Any]) -> None:
    integration = _integration(prod, "POST", "/classify")
    assert integration["RequestTemplates"] == {"application/json": "$input.path('$.data')"}
    assert integration["RequestParameters"]["integration.request.header.Content-Type"] == "'text/csv'"
    # What is no JSON has no template, and must not reach the endpoint as it is.
    assert integration["PassthroughBehavior"] == "NEVER"
    assert _answers(prod, "/classify")["200"]["ResponseTemplates"] == {
        "application/json": "{\"prediction\": $input.json('$[0]')}"
    }


def test_a_text_of_several_rows_is_none_for_classify(prod: dict[str, Any]) -> None:
    pattern = re.compile(LINE_PATTERN)
    assert pattern.search("5.1,3.5")
    for text in ("5.1,3.5\n6,3", "5.1,3.5|6,3", ""):
        assert not pattern.search(text)
    assert LINE_PATTERN in json.dumps(prod["Resources"]).replace("\\\\", "\\")


def _constant(template: dict[str, Any], path: str) -> tuple[str, bytes]:
    (answer,) = _integration(template, "GET", path)["IntegrationResponses"]
    ((_, text),) = answer["ResponseTemplates"].items()
    assert len(text) < MOST_TEMPLATE_BYTES
    before, encoded = re.fullmatch(r"(.*)\$util\.base64Decode\('([A-Za-z0-9+/=]+)'\)", text).groups()  # type: ignore[union-attr]
    return before, base64.b64decode(encoded)


def test_the_description_is_a_constant_of_the_api(prod: dict[str, Any], root: Path) -> None:
    artifact = load_artifact(root, "iris")
    door = Door("gateway", artifact.version, MAX_ROWS, auth="iam", routes=("/predict", "/classify"))
    before, content = _constant(prod, "/openapi.json")
    assert json.loads(content) == openapi(artifact.manifest, door)
    assert before == ""


def test_so_is_the_page_with_all_its_headers(prod: dict[str, Any], root: Path) -> None:
    artifact = load_artifact(root, "iris")
    before, content = _constant(prod, "/")
    assert content == page(
        artifact.manifest, version=artifact.version, auth="iam", routes=("/predict", "/classify")
    )
    (answer,) = _integration(prod, "GET", "/")["IntegrationResponses"]
    mapped = {
        name.removeprefix("method.response.header.").lower(): value.strip("'")
        for name, value in answer["ResponseParameters"].items()
    }
    # A mapping quotes its value, so that one with quotes in it is set by the template.
    policy = HEADERS["content-security-policy"]
    assert before == f'#set($context.responseOverride.header.Content-Security-Policy = "{policy}")'
    assert {**mapped, "content-security-policy": policy} == HEADERS


def test_one_named_site_may_read_answers_and_errors(build: Project) -> None:
    template = build(cors_origins='["https://shop.example"]')
    for answer in _answers(template).values():
        name = "method.response.header.Access-Control-Allow-Origin"
        assert answer["ResponseParameters"][name] == "'https://shop.example'"


def test_several_sites_are_refused_as_the_answers_could_name_one_only(build: Project) -> None:
    with pytest.raises(SettingsError, match="cors_origins"):
        build(cors_origins='["https://shop.example", "https://www.example.com"]')


def test_scores_of_aws_s_algorithm_are_no_answers_of_ours(root: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="front_door") as caught:
        synthesize(root, tmp_path, models="diabetes", diabetes__serve__front_door="true")
    assert "scores" in (caught.value.why or "")


def test_the_endpoint_is_asked_for_29_seconds_at_the_most(prod: dict[str, Any]) -> None:
    assert _integration(prod, "POST", "/predict")["TimeoutInMillis"] == 29_000


def test_there_is_one_api(prod: dict[str, Any]) -> None:
    assert only(prod, "AWS::ApiGateway::RestApi")["Properties"]["Name"] == "slipway-prod-iris"
