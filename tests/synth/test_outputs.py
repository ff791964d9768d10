from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from stacks.outputs import (
    BeanstalkOutputs,
    LambdaOutputs,
    ModelOutputs,
    SharedOutputs,
    output_name,
    parameter_name,
)
from stacks.rules import RULES
from stacks.settings import stack_name
from tests.synth.harness import ROOT, STAGES, Templates, make_project, synthesize


def _parameters(template: dict[str, Any]) -> dict[str, Any]:
    return {
        r["Properties"]["Name"]: r["Properties"]["Value"]
        for r in template["Resources"].values()
        if r["Type"] == "AWS::SSM::Parameter"
    }


@pytest.mark.parametrize("stage", STAGES)
def test_every_output_is_a_parameter_too_with_the_same_value(
    stage: str, templates: dict[str, Templates]
) -> None:
    for model in (None, "iris", "digits", "wine", "iris_forest"):
        template = templates[stage][stack_name(stage, model)]
        told = {name: output["Value"] for name, output in template["Outputs"].items()}
        assert _parameters(template) == {parameter_name(stage, n, model): v for n, v in told.items()}
        assert not [output for output in template["Outputs"].values() if "Export" in output]


def test_no_output_disappears(prod: Templates, dev: Templates) -> None:
    shared = {output_name(field.name) for field in fields(SharedOutputs)}
    assert shared == {"BucketName", "RepositoryUri", "TrainingRoleArn", "KeyArn", "AccessLogsBucketName"}
    assert prod["slipway-prod"]["Outputs"].keys() == shared
    assert dev["slipway-dev"]["Outputs"].keys() == shared - {"KeyArn", "AccessLogsBucketName"}
    model = {output_name(field.name) for field in fields(ModelOutputs)}
    assert model == {
        "EndpointName",
        "EndpointArn",
        "EndpointConfigName",
        "ModelVersion",
        "ArtifactUri",
        "Variants",
        "ModelName",
        "ModelPackageGroupName",
        "BatchStateMachineArn",
        "TrainingStateMachineArn",
        "WireFormat",
        "ApiUrl",
        "ApiAuth",
        "ApiKeyId",
    }
    with_api = {"ApiUrl", "ApiAuth", "ApiKeyId"}
    # iris is served by an image that speaks for itself, and digits has no script to train it with.
    assert prod["slipway-prod-iris"]["Outputs"].keys() == model - with_api - {"WireFormat"}
    assert prod["slipway-prod-digits"]["Outputs"].keys() == model - with_api - {
        "WireFormat",
        "TrainingStateMachineArn",
    }


def test_no_output_of_a_function_disappears(templates: dict[str, Templates]) -> None:
    model = {output_name(field.name) for field in fields(LambdaOutputs)}
    assert model == {"ModelVersion", "FunctionName", "AliasName", "ApiUrl", "ApiAuth", "ApiKeyId"}
    signed = templates["prod"]["slipway-prod-wine"]["Outputs"]
    assert signed.keys() == model - {"ApiKeyId"}
    assert (signed["AliasName"]["Value"], signed["ApiAuth"]["Value"]) == ("live", "iam")
    with_key = templates["prod-function-s3"]["slipway-prod-wine"]["Outputs"]
    assert with_key.keys() == model
    assert with_key["ApiAuth"]["Value"] == "api_key"


def test_no_output_of_an_environment_disappears(templates: dict[str, Templates]) -> None:
    model = {output_name(field.name) for field in fields(BeanstalkOutputs)}
    always = {"ModelVersion", "ApplicationName", "EnvironmentName", "EnvironmentUrl", "EnvironmentCname"}
    assert model == always | {"DomainName"}
    assert templates["prod"]["slipway-prod-iris-forest"]["Outputs"].keys() == always
    assert templates["prod-environment-vpc"]["slipway-prod-iris-forest"]["Outputs"].keys() == model


def test_outputs_tell_the_version_of_every_variant(templates: dict[str, Templates]) -> None:
    told = {
        scenario: templates[scenario]["slipway-prod-digits"]["Outputs"]
        for scenario in ("prod", "prod-shadow", "prod-serverless")
    }
    versions = {scenario: json.loads(outputs["Variants"]["Value"]) for scenario, outputs in told.items()}
    assert versions["prod"].keys() == {"champion", "challenger"}
    assert versions["prod-shadow"].keys() == {"champion", "shadow"}
    assert versions["prod-serverless"].keys() == {"champion"}
    older, newer = versions["prod"]["champion"], versions["prod"]["challenger"]
    assert older != newer
    assert versions["prod-shadow"] == {"champion": older, "shadow": newer}
    for scenario, outputs in told.items():
        assert outputs["ModelVersion"]["Value"] == versions[scenario]["champion"]


def test_a_parameter_s_path_has_the_model_folder_s_name(tmp_path: Path) -> None:
    root = make_project(tmp_path, "red_wine")
    template = synthesize(root, tmp_path / "out", stage="dev")["slipway-dev-red-wine"]
    assert "/slipway/dev/red_wine/EndpointName" in _parameters(template)


def test_every_output_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "outputs.md").read_text(encoding="utf-8")
    for kind in (SharedOutputs, ModelOutputs, LambdaOutputs, BeanstalkOutputs):
        for field in fields(kind):
            assert f"| `{output_name(field.name)}` |" in page


def test_every_house_rule_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")
    for rule in RULES:
        assert f"| {rule.id} | {rule.message} |" in page


def test_outputs_are_read_by_name() -> None:
    told = {"BucketName": "b", "RepositoryUri": "r", "TrainingRoleArn": "t", "Later": "x"}
    outputs = SharedOutputs.from_mapping(told)
    assert outputs == SharedOutputs(bucket_name="b", repository_uri="r", training_role_arn="t", key_arn=None)
    assert outputs.to_mapping() == {"BucketName": "b", "RepositoryUri": "r", "TrainingRoleArn": "t"}
    with pytest.raises(KeyError, match="EndpointName"):
        ModelOutputs.from_mapping(told)
