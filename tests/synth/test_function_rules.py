from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stacks.validation import unaccepted
from tests.synth.functions import resource
from tests.synth.harness import Templates, only

Template = dict[str, Any]
Planted = Callable[[Template], object]
_MAKE = {"Effect": "Allow", "Action": ["logs:CreateLogGroup"], "Resource": "arn:aws:logs:r:1:log-group:x"}


def _alias(template: Template) -> Template:
    return only(template, "AWS::Lambda::Alias")


def _checked(template: Template) -> Template:
    return only(template, "Custom::SlipwayGoldenCheck")


def _statements(template: Template) -> list[Template]:
    policies = resource(template, "FunctionRole")["Properties"]["Policies"]
    statements: list[Template] = policies[0]["PolicyDocument"]["Statement"]
    return statements


def _call_latest(template: Template) -> None:
    uri = resource(template, "ApiRestpredictPOST")["Properties"]["Integration"]["Uri"]
    text = json.dumps(uri).replace("FunctionAlias", "Function")
    resource(template, "ApiRestpredictPOST")["Properties"]["Integration"]["Uri"] = json.loads(text)


def _add_address(template: Template) -> None:
    template["Resources"]["Address"] = {
        "Type": "AWS::Lambda::Url",
        "DeletionPolicy": "Delete",
        "Properties": {"AuthType": "AWS_IAM", "TargetFunctionArn": {"Ref": "Function76856677"}},
    }


FUNCTION_FAULTS: list[tuple[str, Planted]] = [
    ("H-18", lambda model: resource(model, "Function")["Properties"].pop("LoggingConfig")),
    ("H-20", lambda model: _statements(model).append(_MAKE)),
    (
        "H-20",
        lambda model: resource(model, "GoldenCheckCheckerRole")["Properties"].update(
            ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]
        ),
    ),
    ("H-21", lambda model: _alias(model).pop("DependsOn")),
    ("H-21", lambda model: _alias(model)["Properties"].update(FunctionVersion="$LATEST")),
    ("H-21", lambda model: _checked(model)["Properties"].update(Version={"Ref": "Function76856677"})),
    ("H-22", _call_latest),
    ("H-23", lambda model: only(model, "AWS::Lambda::Version").update(DeletionPolicy="Delete")),
    ("H-23", lambda model: only(model, "AWS::Lambda::Version").update(DeletionPolicy="Retain")),
    ("H-23", lambda model: only(model, "AWS::Lambda::Version").update(UpdateReplacePolicy="Delete")),
    ("H-24", _add_address),
]


@pytest.mark.parametrize(("expected", "plant"), FUNCTION_FAULTS, ids=[fault for fault, _ in FUNCTION_FAULTS])
@pytest.mark.parametrize("scenario", ["prod", "prod-function-s3"])
def test_a_planted_fault_is_found_and_nothing_else(
    scenario: str, expected: str, plant: Planted, templates: dict[str, Templates]
) -> None:
    model = json.loads(json.dumps(templates[scenario]["slipway-prod-wine"]))
    assert unaccepted(model, "prod", "model") == []
    plant(model)
    assert [finding.rule for finding in unaccepted(model, "prod", "model")] == [expected]
