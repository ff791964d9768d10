"""The house rules on APIs: each finds its fault, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stacks.validation import unaccepted
from tests.synth.apis import api_template, methods
from tests.synth.harness import Templates, only

Planted = Callable[[dict[str, Any]], object]


def _stage(template: dict[str, Any]) -> dict[str, Any]:
    stage: dict[str, Any] = only(template, "AWS::ApiGateway::Stage")["Properties"]
    return stage


def _error(template: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (n for n in template["Resources"] if n.startswith(f"ApiErrors{name}"))
    error: dict[str, Any] = template["Resources"][found]["Properties"]
    return error


def _log(template: dict[str, Any], member: str, value: str) -> None:
    setting = _stage(template)["AccessLogSetting"]
    setting["Format"] = json.dumps({**json.loads(setting["Format"]), member: value})


def _answer_by_another_shape(template: dict[str, Any]) -> None:
    _error(template, "Throttled")["ResponseTemplates"]["application/json"] = '{"message": "Slow down"}'


def _allow_every_site(template: dict[str, Any]) -> None:
    header = "gatewayresponse.header.Access-Control-Allow-Origin"
    _error(template, "Throttled")["ResponseParameters"][header] = "'*'"


API_FAULTS: list[tuple[str, Planted]] = [
    (
        "H-30[open]",
        lambda template: methods(template)["POST", "/predict"].update(AuthorizationType="NONE"),
    ),
    ("H-30[open]", lambda template: methods(template)["GET", "/"].pop("AuthorizationType")),
    ("H-31[*]", _allow_every_site),
    ("H-32[group]", lambda template: _stage(template)["AccessLogSetting"].update(DestinationArn="arn:x")),
    ("H-32[format]", lambda template: _log(template, "path", "$context.path")),
    ("H-32[format]", lambda template: _log(template, "agent", "$context.identity.userAgent")),
    ("H-32[format]", lambda template: _log(template, "key", "$context.identity.apiKey")),
    (
        "H-32[execution]",
        lambda template: _stage(template)["MethodSettings"][0].update(DataTraceEnabled=True),
    ),
    ("H-32[execution]", lambda template: _stage(template)["MethodSettings"][0].update(LoggingLevel="INFO")),
    ("H-32[tracing]", lambda template: _stage(template).pop("TracingEnabled")),
    ("H-33", lambda template: methods(template)["POST", "/classify"].pop("RequestValidatorId")),
    ("H-33", lambda template: methods(template)["POST", "/classify"].pop("RequestModels")),
    ("H-34[THROTTLED]", _answer_by_another_shape),
    ("H-34[INVALID_API_KEY]", lambda template: _error(template, "InvalidApiKey").update(ResponseType="X")),
]


@pytest.mark.parametrize(("expected", "plant"), API_FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(expected: str, plant: Planted, prod: Templates) -> None:
    template = json.loads(json.dumps(prod["slipway-prod-wine"]))
    plant(template)
    assert [finding.rule for finding in unaccepted(template, "prod", "model")] == [expected]


@pytest.mark.parametrize(
    ("stage", "serve"),
    [
        ("local", {}),
        ("dev", {}),
        ("prod", {}),
        ("prod", {"auth": "none"}),
        ("prod", {"auth": "api_key", "quota_per_day": 10}),
        ("prod", {"cors_origins": ["https://shop.example"]}),
        ("prod", {"cors_origins": ["https://shop.example", "https://www.example.com"]}),
    ],
)
def test_no_api_of_ours_breaks_a_rule(stage: str, serve: dict[str, Any]) -> None:
    # H-22 looks for the alias, which is in another stack here.
    found = [f.rule for f in unaccepted(api_template(stage, **serve), stage, "model") if f.rule != "H-22"]
    assert found == []
