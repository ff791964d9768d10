from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from slipway.errors import SettingsError, VersionMismatch
from stacks.instances import takes_volume_key
from tests.synth.harness import (
    STAGES,
    Templates,
    make_artifact,
    make_project,
    make_xgboost_artifact,
    only,
    synthesize,
)

Resources = dict[str, dict[str, Any]]


def test_the_model_tells_the_container_what_to_run_and_what_to_trust(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    artifact = make_artifact(root, "iris", b"another")

    template = synthesize(root, tmp_path / "out", stage="dev")["slipway-dev-iris"]

    environment = only(template, "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"]["Environment"]
    assert environment == {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_REGION": {"Ref": "AWS::Region"},
        "SLIPWAY_MANIFEST_SHA256": artifact.manifest_sha256,
        "SLIPWAY_MODEL_VERSION": artifact.version,
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_INDEX": "1",
    }


def test_a_model_with_requirements_may_reach_a_package_index(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    make_artifact(root, "iris", extra={"code/requirements.txt": b"holidays==0.60\n"})

    template = synthesize(root, tmp_path / "out", stage="dev")["slipway-dev-iris"]

    model = only(template, "AWS::SageMaker::Model")["Properties"]
    assert model["EnableNetworkIsolation"] is False
    assert not [name for name in model["PrimaryContainer"]["Environment"] if name.startswith("PIP_")]


@pytest.mark.parametrize("stage", STAGES)
def test_a_model_without_requirements_reaches_no_network(stage: str, templates: dict[str, Templates]) -> None:
    model = only(templates[stage][f"slipway-{stage}-iris"], "AWS::SageMaker::Model")
    assert model["Properties"]["EnableNetworkIsolation"] is True


@pytest.mark.parametrize(("stage", "count"), [("local", 1), ("dev", 1), ("prod", 2)])
def test_the_stage_decides_how_many_instances(
    stage: str, count: int, templates: dict[str, Templates]
) -> None:
    Template.from_json(templates[stage][f"slipway-{stage}-iris"]).has_resource_properties(
        "AWS::SageMaker::EndpointConfig",
        {
            "EndpointConfigName": Match.absent(),
            "ProductionVariants": [
                {
                    "VariantName": "champion",
                    "InitialVariantWeight": 1,
                    "InitialInstanceCount": count,
                    "InstanceType": "ml.m5.large",
                    "ContainerStartupHealthCheckTimeoutInSeconds": 300,
                    "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                }
            ],
        },
    )


def test_one_command_overrides_instances_of_one_model(tmp_path: Path) -> None:
    root = make_project(tmp_path)

    template = synthesize(
        root,
        tmp_path / "out",
        stage="dev",
        iris__serve__instance_type="ml.m5.xlarge",
        iris__serve__instance_count="3",
    )["slipway-dev-iris"]

    (variant,) = only(template, "AWS::SageMaker::EndpointConfig")["Properties"]["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == ("ml.m5.xlarge", 3)


def test_another_artifact_is_another_model_and_config_behind_the_same_endpoint(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    before = synthesize(root, tmp_path / "a", stage="dev")["slipway-dev-iris"]
    make_artifact(root, "iris", b"a better model")
    after = synthesize(root, tmp_path / "b", stage="dev")["slipway-dev-iris"]

    model = "AWS::SageMaker::Model"
    container = [only(t, model)["Properties"]["PrimaryContainer"] for t in (before, after)]
    assert container[0]["ModelDataUrl"] != container[1]["ModelDataUrl"]
    assert container[0]["Environment"] != container[1]["Environment"]
    # CloudFormation replaces the model for its new properties, and the config for the model's new name.
    assert "ModelName" not in only(after, model)["Properties"]
    # The endpoint differs in its tags alone: it is updated.
    endpoints = [only(t, "AWS::SageMaker::Endpoint") for t in (before, after)]
    for endpoint in endpoints:
        del endpoint["Properties"]["Tags"]
    assert endpoints[0] == endpoints[1]
    assert before["Resources"].keys() == after["Resources"].keys()


def test_the_same_artifact_is_the_same_template(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    before = synthesize(root, tmp_path / "a", stage="dev")
    make_artifact(root, "iris")  # trained again, the same bytes
    assert synthesize(root, tmp_path / "b", stage="dev") == before


@pytest.mark.parametrize("stage", STAGES)
def test_the_endpoint_has_the_stack_s_name_and_waits_for_its_log_group(
    stage: str, templates: dict[str, Templates]
) -> None:
    template = templates[stage][f"slipway-{stage}-iris"]
    endpoint = only(template, "AWS::SageMaker::Endpoint")
    assert endpoint["Properties"]["EndpointName"] == f"slipway-{stage}-iris"
    group = template["Resources"][endpoint["DependsOn"][0]]
    assert group["Properties"]["LogGroupName"] == f"/aws/sagemaker/Endpoints/slipway-{stage}-iris"
    assert group["DeletionPolicy"] == "Delete"


def test_alarms_watch_errors_and_latency_by_the_endpoint_s_name(prod: Templates) -> None:
    template = Template.from_json(prod["slipway-prod-iris"])
    for metric, statistic, threshold in (
        ("Invocation5XXErrors", {"Statistic": "Average"}, 0.01),
        ("ModelLatency", {"ExtendedStatistic": "p99"}, 1_000_000),  # microseconds
    ):
        template.has_resource_properties(
            "AWS::CloudWatch::Alarm",
            {
                "Namespace": "AWS/SageMaker",
                "MetricName": metric,
                "Threshold": threshold,
                "TreatMissingData": "notBreaching",
                "Dimensions": [
                    {"Name": "EndpointName", "Value": "slipway-prod-iris"},
                    {"Name": "VariantName", "Value": "champion"},
                ],
                **statistic,
            },
        )


def test_disks_are_encrypted_with_the_stage_s_key_where_machines_take_one(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    keys = {}
    for machine in ("ml.m5.large", "ml.m5d.large", "ml.g5.xlarge"):
        template = synthesize(root, tmp_path / machine, stage="prod", iris__serve__instance_type=machine)
        config = only(template["slipway-prod-iris"], "AWS::SageMaker::EndpointConfig")
        keys[machine] = config["Properties"].get("KmsKeyId")
    assert keys == {"ml.m5.large": {"Ref": "KeyArn"}, "ml.m5d.large": None, "ml.g5.xlarge": None}


@pytest.mark.parametrize(
    ("machine", "takes"),
    [
        ("m5", True),
        ("c6i", True),
        ("r7i", True),
        ("p3", True),
        ("t2", True),
        ("g4dn", False),
        ("c6id", False),
        ("p6-b300", False),
    ],
)
def test_families_with_local_disks_take_no_key(machine: str, takes: bool) -> None:
    assert takes_volume_key(f"ml.{machine}.xlarge") is takes


def test_a_model_of_another_scikit_learn_is_refused(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    artifact = make_artifact(root, "iris", scikit_learn="1.4.2")

    with pytest.raises(VersionMismatch) as refused:
        synthesize(root, tmp_path / "out", stage="dev")

    assert refused.value.what == (
        f"iris {artifact.version} was trained with scikit-learn 1.4.2, "
        "and sagemaker-scikit-learn:1.9-0-cpu-py3 has 1.9.0."
    )
    assert "slipway train iris" in refused.value.fix


def test_aws_s_algorithm_is_told_the_version_and_nothing_of_a_script(prod: Templates) -> None:
    model = only(prod["slipway-prod-diabetes"], "AWS::SageMaker::Model")["Properties"]
    version = prod["slipway-prod-diabetes"]["Outputs"]["ModelVersion"]["Value"]
    assert model["PrimaryContainer"]["Environment"] == {"SLIPWAY_MODEL_VERSION": version}
    assert model["PrimaryContainer"]["Image"]["Fn::Join"][1][-1] == "/sagemaker-xgboost:3.2-0"
    assert model["EnableNetworkIsolation"] is True


def test_a_booster_of_another_xgboost_is_refused(tmp_path: Path) -> None:
    root = make_project(tmp_path, "diabetes")
    artifact = make_xgboost_artifact(root, "diabetes", xgboost="3.4.1")
    with pytest.raises(VersionMismatch) as refused:
        synthesize(root, tmp_path / "out", stage="dev")
    assert refused.value.what == (
        f"diabetes {artifact.version} was trained with xgboost 3.4.1, and sagemaker-xgboost:3.2-0 has 3.2.0."
    )


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"model.ubj": b"x"}, "has no xgboost-model"),
        (
            {"xgboost-model": b"x", "model.onnx": b"x", "code/a.py": b""},
            "has model.onnx beside xgboost-model",
        ),
    ],
)
def test_aws_s_algorithm_gets_exactly_one_file_at_the_top(
    files: dict[str, bytes], why: str, tmp_path: Path
) -> None:
    root = make_project(tmp_path, "diabetes")
    make_xgboost_artifact(root, "diabetes", files=files)
    with pytest.raises(SettingsError, match=r"serve\.image = 'xgboost' is not allowed") as refused:
        synthesize(root, tmp_path / "out", stage="dev")
    assert why in refused.value.why


def test_an_arm_machine_is_refused(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    with pytest.raises(SettingsError, match="built for x86_64"):
        synthesize(root, tmp_path / "out", stage="dev", iris__serve__instance_type="ml.m6g.large")


def test_a_region_without_the_image_is_refused(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    stages = root / "stages.toml"
    stages.write_text(stages.read_text().replace('"us-east-1"', '"mx-central-1"'))
    with pytest.raises(SettingsError, match="no scikit-learn image in mx-central-1"):
        synthesize(root, tmp_path / "out")
