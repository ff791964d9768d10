from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stacks.accepted import ACCEPTED
from stacks.general_checks import HOLDS_NOTHING
from stacks.rules import RULES
from stacks.validation import unaccepted
from tests.synth.harness import (
    STAGES,
    VARIATIONS,
    Templates,
    build,
    every,
    kind_of,
    make_project,
    only,
    role,
)
from tests.synth.test_api_rules import API_FAULTS
from tests.synth.test_environment_rules import ALL_FAULTS
from tests.synth.test_function_rules import FUNCTION_FAULTS

Planted = Callable[[dict[str, Any], dict[str, Any]], None]


def _statement(template: dict[str, Any]) -> dict[str, Any]:
    return role(template)["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]


def _variant(template: dict[str, Any]) -> dict[str, Any]:
    return only(template, "AWS::SageMaker::EndpointConfig")["Properties"]["ProductionVariants"][0]


def _container(template: dict[str, Any]) -> dict[str, Any]:
    return only(template, "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"]


def _machine(template: dict[str, Any]) -> dict[str, Any]:
    return every(template, "AWS::StepFunctions::StateMachine")[0]["Properties"]


def _logging(template: dict[str, Any]) -> dict[str, Any]:
    return _machine(template)["LoggingConfiguration"]


def _passing(template: dict[str, Any]) -> dict[str, Any]:
    policies = role(template, "TrainingRole")["Properties"]["Policies"]
    (statement,) = (
        statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "iam:PassRole"
    )
    return statement


def _add_variants(template: dict[str, Any], *, production: int, shadow: int) -> None:
    config = only(template, "AWS::SageMaker::EndpointConfig")["Properties"]
    config["ProductionVariants"] += [_variant(template)] * production
    config["ShadowProductionVariants"] = [_variant(template)] * shadow


def _plant(kind: str, key: str, value: Any, stack: int = 0) -> Planted:
    def plant(*templates: dict[str, Any]) -> None:
        only(templates[stack], kind)["Properties"][key] = value

    return plant


_OWN = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/slipway-prod"
FAULTS: list[tuple[str, Planted]] = [
    ("H-01[AWS::IAM::Role]", lambda model, shared: role(model).pop("DeletionPolicy")),
    ("H-02[s3:*]", lambda model, shared: _statement(model).update(Action="s3:*")),
    ("H-03[s3:GetObject]", lambda model, shared: _statement(model).update(Resource="arn:aws:s3:::b/*")),
    ("H-04", _plant("AWS::SageMaker::Model", "ModelName", "iris")),
    ("H-04", _plant("AWS::SageMaker::EndpointConfig", "EndpointConfigName", "iris")),
    ("H-05", _plant("AWS::SageMaker::Model", "EnableNetworkIsolation", False)),
    ("H-06", _plant("AWS::SageMaker::Model", "ExecutionRoleArn", None)),
    (
        "H-07[sagemaker.amazonaws.com]",
        lambda model, shared: role(model)["Properties"]["AssumeRolePolicyDocument"]["Statement"][0].pop(
            "Condition"
        ),
    ),
    ("H-08[log group]", lambda model, shared: only(model, "AWS::SageMaker::Endpoint").pop("DependsOn")),
    (
        "H-08[ModelLatency of champion]",
        lambda model, shared: model["Resources"].pop(
            next(n for n in model["Resources"] if n.startswith("AlarmsLatency"))
        ),
    ),
    ("H-09[champion]", lambda model, shared: _variant(model).update(InitialInstanceCount=1)),
    (
        "H-10",
        lambda model, shared: only(model, "AWS::SageMaker::EndpointConfig")["Properties"].pop("KmsKeyId"),
    ),
    ("H-10", lambda model, shared: shared["Resources"]["Data666C94C7"]["Properties"].pop("BucketEncryption")),
    (
        "H-10",
        _plant("AWS::ECR::Repository", "EncryptionConfiguration", {"EncryptionType": "AES256"}, stack=1),
    ),
    (
        "H-11[DB_PASSWORD]",
        lambda model, shared: only(model, "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"][
            "Environment"
        ].update(DB_PASSWORD="hunter2"),
    ),
    ("H-11", _plant("AWS::SageMaker::Model", "Note", "AKIA" + "A" * 16)),
    (
        "H-12[kms:*]",
        lambda model, shared: only(shared, "AWS::KMS::Key")["Properties"]["KeyPolicy"]["Statement"][0].update(
            Principal="*"
        ),
    ),
    ("H-13", lambda model, shared: model["Outputs"]["EndpointName"].update(Export={"Name": "x"})),
    ("H-14", lambda model, shared: _container(model).update(Image=f"{_OWN}:1.0")),
    ("H-14", lambda model, shared: _container(model).update(Image={"Fn::Sub": f"{_OWN}:latest"})),
    ("H-14", lambda model, shared: _container(model).update(Image="python")),
    ("H-15[ImageTagMutability]", _plant("AWS::ECR::Repository", "ImageTagMutability", "MUTABLE", stack=1)),
    ("H-15[ImageScanningConfiguration]", _plant("AWS::ECR::Repository", "ImageScanningConfiguration", {}, 1)),
    ("H-15[EmptyOnDelete]", _plant("AWS::ECR::Repository", "EmptyOnDelete", False, stack=1)),
    ("H-15[LifecyclePolicy]", _plant("AWS::ECR::Repository", "LifecyclePolicy", None, stack=1)),
    ("H-16[shadow]", lambda model, shared: _add_variants(model, production=1, shadow=1)),
    ("H-16[shadow]", lambda model, shared: _add_variants(model, production=0, shadow=2)),
    ("H-16[serverless]", lambda model, shared: _variant(model).update(ServerlessConfig={})),
    ("H-17[log]", lambda model, shared: _logging(model).update(Level="ERROR")),
    ("H-17[data]", lambda model, shared: _logging(model).update(IncludeExecutionData=True)),
    ("H-17[tracing]", lambda model, shared: _machine(model).pop("TracingConfiguration")),
    ("H-18", _plant("AWS::Lambda::Function", "LoggingConfig", {})),
    ("H-19", lambda model, shared: _passing(model).pop("Condition")),
]


@pytest.mark.parametrize(("expected", "plant"), FAULTS, ids=[fault for fault, _ in FAULTS])
def test_a_planted_fault_is_found_and_nothing_else(expected: str, plant: Planted, prod: Templates) -> None:
    model, shared = (json.loads(json.dumps(prod[name])) for name in ("slipway-prod-iris", "slipway-prod"))
    plant(model, shared)
    found = [*unaccepted(model, "prod", "model"), *unaccepted(shared, "prod", "shared")]
    assert [finding.rule for finding in found] == [expected]


def test_every_rule_has_a_planted_fault() -> None:
    faults = {fault.partition("[")[0] for fault, _ in (*FAULTS, *API_FAULTS, *FUNCTION_FAULTS, *ALL_FAULTS)}
    assert faults == {rule.id for rule in RULES}


@pytest.mark.parametrize("stage", STAGES)
def test_no_house_rule_is_broken_unless_accepted(stage: str, templates: dict[str, Templates]) -> None:
    for name, template in templates[stage].items():
        assert unaccepted(template, stage, kind_of(name)) == []


@pytest.mark.parametrize("variation", VARIATIONS)
def test_prod_may_have_a_shadow_or_be_serverless(variation: str, templates: dict[str, Templates]) -> None:
    for template in templates[variation].values():
        assert unaccepted(template, "prod", "model") == []


SERVERLESS_FAULTS: list[Planted] = [
    _plant("AWS::SageMaker::EndpointConfig", "KmsKeyId", "key"),
    _plant("AWS::SageMaker::Model", "EnableNetworkIsolation", True),
    lambda model: _variant(model).update(InstanceType="ml.m5.large"),
    lambda model: _add_variants(model, production=1, shadow=0),
]


@pytest.mark.parametrize("plant", SERVERLESS_FAULTS)
def test_what_aws_refuses_of_serverless_endpoints_is_found(
    plant: Planted, templates: dict[str, Templates]
) -> None:
    model = json.loads(json.dumps(templates["prod-serverless"]["slipway-prod-digits"]))
    plant(model)
    assert "H-16[serverless]" in [finding.rule for finding in unaccepted(model, "prod", "model")]


def test_every_variant_that_answers_has_alarms_of_its_own(prod: Templates) -> None:
    model = json.loads(json.dumps(prod["slipway-prod-digits"]))
    for name in [name for name in model["Resources"] if name.startswith("AlarmsChallenger")]:
        del model["Resources"][name]
    assert [finding.rule for finding in unaccepted(model, "prod", "model")] == [
        "H-08[Invocation5XXErrors of challenger]",
        "H-08[ModelLatency of challenger]",
    ]


def test_one_prefix_may_be_read_and_in_the_stage_s_own_bucket_written_and_no_more(prod: Templates) -> None:
    template = json.loads(json.dumps(prod["slipway-prod-digits"]))
    statement = _statement(template)
    for resource, action, found in (
        ("arn:aws:s3:::bucket/rows/*", "s3:GetObject", []),
        ("arn:aws:s3:::bucket/*", "s3:GetObject", ["H-03[s3:GetObject]"]),
        ("arn:aws:s3:::bucket/rows*", "s3:GetObject", ["H-03[s3:GetObject]"]),
        ("arn:aws:s3:::bucket/*/rows/*", "s3:GetObject", ["H-03[s3:GetObject]"]),
        ("arn:aws:s3:::bucket/rows/*", "s3:PutObject", ["H-03[s3:PutObject]"]),
        ({"Fn::Sub": "arn:aws:s3:::${BucketName}/rows/*"}, "s3:PutObject", []),
        ({"Fn::Sub": "arn:aws:s3:::${BucketName}/models/wine/*"}, "s3:DeleteObjectVersion", []),
        ({"Fn::Sub": "arn:aws:s3:::${BucketName}/models/*"}, "s3:DeleteObject", ["H-03[s3:DeleteObject]"]),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["Function", "Arn"]}, ":*"]]}, "lambda:InvokeFunction", []),
        (
            {"Fn::Join": ["", [{"Fn::GetAtt": ["Function", "Arn"]}, "*"]]},
            "lambda:InvokeFunction",
            ["H-03[lambda:InvokeFunction]"],
        ),
        ({"Fn::Sub": "arn:aws:s3:::${BucketName}/*"}, "s3:PutObject", ["H-03[s3:PutObject]"]),
        ({"Fn::Sub": "arn:aws:s3:::${BucketName}/rows/*"}, "s3:DeleteObject", ["H-03[s3:DeleteObject]"]),
        ("arn:aws:sagemaker:r:1:model-package/mine/*", "sagemaker:DeleteModelPackage", []),
        (
            "arn:aws:sagemaker:r:1:model-package/*",
            "sagemaker:DeleteModelPackage",
            ["H-03[sagemaker:DeleteModelPackage]"],
        ),
    ):
        statement.update(Resource=resource, Action=action)
        assert [finding.rule for finding in unaccepted(template, "prod", "model")] == found


def test_what_is_accepted_in_one_kind_of_stack_is_not_in_another(prod: Templates) -> None:
    found = [finding.rule for finding in unaccepted(prod["slipway-prod-iris"], "prod", "shared")]
    resources = prod["slipway-prod-iris"]["Resources"]
    ids = {
        entry.finding
        for entry in ACCEPTED
        if entry.stack == "model" and entry.of_house_rule and entry.path in resources
    }
    assert set(found) == ids


def test_dev_may_run_one_instance_without_a_key(prod: Templates) -> None:
    template = json.loads(json.dumps(prod["slipway-prod-iris"]))
    _variant(template)["InitialInstanceCount"] = 1
    del only(template, "AWS::SageMaker::EndpointConfig")["Properties"]["KmsKeyId"]
    assert [f.rule for f in unaccepted(template, "prod", "model")] == ["H-09[champion]", "H-10"]
    assert unaccepted(template, "dev", "model") == []


def test_types_without_a_deletion_policy_are_ours_and_have_a_reason(prod: Templates) -> None:
    used = {r["Type"] for t in prod.values() for r in t["Resources"].values()}
    assert used >= HOLDS_NOTHING.keys()
    assert all(HOLDS_NOTHING.values())


def test_a_broken_house_rule_fails_the_synth_and_names_the_resource(tmp_path: Path) -> None:
    app = build(make_project(tmp_path), tmp_path / "out", stage="prod", iris__serve__instance_count="1")
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = json.loads((tmp_path / "out" / "validation-report.json").read_text())
    (house,) = [r for r in report["pluginReports"] if r["pluginName"] == "House"]
    (violation,) = house["violations"]
    assert violation["ruleName"] == "H-09[champion]"
    assert violation["violatingConstructs"][0]["constructPath"] == "slipway-prod-iris/Endpoint/Config"
