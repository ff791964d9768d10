"""What the training machine asks SageMaker for, and when it refuses a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import load_model
from stacks.storage import batch_input, batch_output, code_key, data_prefix, data_version, uri
from stacks.training_job import hyperparameters, training_code, training_metrics
from tests.synth.harness import (
    Templates,
    machine,
    make_project,
    make_xgboost_artifact,
    synthesize,
    write_toml,
)

IRIS = '[model]\ntask = "classification"\ndata = "sklearn:iris"\nlabel = "species"\n'


def request(template: Mapping[str, Any]) -> dict[str, Any]:
    return machine(template, "Training")["States"]["Train"]["Arguments"]


def test_the_built_in_algorithm_gets_text_two_channels_and_no_metric_definitions(dev: Templates) -> None:
    asked = request(dev["slipway-dev-diabetes"])
    assert asked["HyperParameters"]["num_round"] == "200"
    assert asked["HyperParameters"]["objective"] == "reg:squarederror"
    assert "sagemaker_program" not in asked["HyperParameters"]
    assert [(c["ChannelName"], c["ContentType"]) for c in asked["InputDataConfig"]] == [
        ("train", "text/csv"),
        ("validation", "text/csv"),
    ]
    assert "MetricDefinitions" not in asked["AlgorithmSpecification"]
    assert asked["OutputDataConfig"] == {"S3OutputPath": "s3://${Bucket}/jobs"}
    assert asked["EnableNetworkIsolation"] is True


def test_a_script_is_packed_the_same_each_time_copied_and_named_in_json(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    write_toml(
        root,
        "iris",
        IRIS + 'hyperparameters = { C = 0.5, solver = "lbfgs", warm = true }\n'
        "[train]\nmetrics = { accuracy = 'accuracy=([0-9.]+)' }\n",
    )
    (root / "model_code" / "iris" / "train.py").write_text("print('fit')\n")
    model = load_model(root, "iris")
    assert training_code(model) == training_code(model)

    template = synthesize(root, tmp_path / "out", stage="dev")["slipway-dev-iris"]

    asked = request(template)
    assert asked["HyperParameters"] == {
        "C": "0.5",
        "solver": '"lbfgs"',
        "warm": "true",
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"',
        "sagemaker_region": '"${Region}"',
        "sagemaker_container_log_level": "30",
    }
    assert [channel["ChannelName"] for channel in asked["InputDataConfig"]] == ["train", "validation", "code"]
    assert asked["AlgorithmSpecification"]["MetricDefinitions"] == [
        {"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}
    ]
    copy = machine(template, "Training")["States"]["CopyScript"]
    assert copy["Arguments"]["Key"] == "{% 'jobs/' & $job & '/code/sourcedir.tar.gz' %}"
    values = template["Resources"]["Training"]["Properties"]["DefinitionSubstitutions"]
    staged = f"asset.{values['CodeKey'].removesuffix('.gz')}.tar.gz"
    assert (tmp_path / "out" / staged).read_bytes() == training_code(model)


def test_a_script_with_requirements_may_reach_a_package_index(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    (root / "model_code" / "iris" / "requirements.txt").write_text("holidays==0.60\n")
    template = synthesize(root, tmp_path / "out", stage="dev")["slipway-dev-iris"]
    assert request(template)["EnableNetworkIsolation"] is False


def test_spot_key_machines_and_time_are_what_the_settings_say(tmp_path: Path) -> None:
    root = make_project(tmp_path, "diabetes")
    context = {
        "diabetes.train.spot": "true",
        "diabetes.train.instance_count": "2",
        "diabetes.train.instance_type": "ml.c5.xlarge",
        "diabetes.train.volume_gb": "30",
        "diabetes.train.max_runtime_minutes": "10",
        "diabetes.split.validation": "0",
    }
    asked = request(synthesize(root, tmp_path / "a", stage="prod", **context)["slipway-prod-diabetes"])
    assert asked["ResourceConfig"] == {
        "InstanceType": "ml.c5.xlarge",
        "InstanceCount": 2,
        "VolumeSizeInGB": 30,
        "VolumeKmsKeyId": "${KeyArn}",
    }
    assert asked["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200}
    assert asked["EnableManagedSpotTraining"] is True
    assert asked["CheckpointConfig"] == {"S3Uri": "{% 's3://${Bucket}/jobs/' & $job & '/checkpoints/' %}"}
    assert asked["OutputDataConfig"]["KmsKeyId"] == "${KeyArn}"
    assert asked["EnableInterContainerTrafficEncryption"] is True
    (train,) = asked["InputDataConfig"]
    assert train["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "ShardedByS3Key"

    context["diabetes.train.instance_type"] = "ml.c5d.xlarge"  # its own disks take no key
    asked = request(synthesize(root, tmp_path / "b", stage="prod", **context)["slipway-prod-diabetes"])
    assert "VolumeKmsKeyId" not in asked["ResourceConfig"]


def _against(template: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    compare = machine(template, "Training")["States"]["Compare"]
    return [(rule["Condition"], rule["Assign"]["reason"], rule["Next"]) for rule in compare["Choices"]]


def test_a_model_is_held_against_the_gate_and_the_model_in_service(dev: Templates) -> None:
    value = "$lookup($measured, 'validation:rmse')"
    told = f"'validation:rmse is ' & $string($round({value}, 6)) & "
    assert _against(dev["slipway-dev-diabetes"]) == [
        (
            f"{{% $not($exists({value})) %}}",
            "{% 'the training job measured no validation:rmse' %}",
            "MetricMissing",
        ),
        (f"{{% {value} > 70.0 %}}", f"{{% {told}', the gate asks for at most 70' %}}", "OutsideGate"),
        (f"{{% {value} >= 57.2494275 %}}", f"{{% {told}', the model in service has 57.25' %}}", "NotBetter"),
    ]
    states = machine(dev["slipway-dev-diabetes"], "Training")["States"]
    assert {name for name, state in states.items() if state["Type"] == "Fail"} == {
        "MetricMissing",
        "OutsideGate",
        "NotBetter",
    }
    register = states["Register"]["Arguments"]
    assert register["ModelApprovalStatus"] == "PendingManualApproval"
    assert register["ModelPackageGroupName"] == "${ModelPackageGroupName}"


def test_where_more_is_better_equal_is_not_better(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    metrics = "[train]\nmetrics = { balanced_accuracy = 'b=(.+)', accuracy = 'a=(.+)' }\n"
    write_toml(root, "iris", IRIS + "[gate]\naccuracy = 0.9\n" + metrics)
    template = synthesize(root, tmp_path / "a", stage="dev")["slipway-dev-iris"]
    # Nothing is known of the model in service, and balanced_accuracy has no bound.
    assert [error for _, _, error in _against(template)] == ["MetricMissing", "OutsideGate"]
    assert _against(template)[1][0] == "{% $lookup($measured, 'accuracy') < 0.9 %}"

    write_toml(
        root, "diabetes", '[model]\ntask = "regression"\ndata = "d.csv"\nlabel = "y"\nframework = "xgboost"\n'
        'hyperparameters = { num_round = 5, eval_metric = "r2" }\n[serve]\nimage = "xgboost"\n',
    )  # fmt: skip
    make_xgboost_artifact(root, "diabetes", validation={"validation:r2": 0.5, "validation:rmse": 3.0})
    template = synthesize(root, tmp_path / "b", stage="dev", models="diabetes")["slipway-dev-diabetes"]
    assert [error for _, _, error in _against(template)] == ["MetricMissing", "NotBetter"]
    assert _against(template)[1][0] == "{% $lookup($measured, 'validation:r2') <= 0.500005 %}"


def test_a_model_that_measures_nothing_is_registered_for_a_person_to_judge(tmp_path: Path) -> None:
    template = synthesize(make_project(tmp_path), tmp_path / "out", stage="dev")["slipway-dev-iris"]
    assert machine(template, "Training")["States"]["Compare"] == {"Type": "Pass", "Next": "Register"}


@pytest.mark.parametrize(
    ("lines", "measured"),
    [
        ("", {"rmse": "validation:rmse"}),
        ('hyperparameters = { objective = "reg:linear" }\n', {"rmse": "validation:rmse"}),
        ('hyperparameters = { objective = "reg:tweedie" }\n', {}),
        (
            'hyperparameters = { eval_metric = "mae, rmse,rmsle" }\n',
            {"rmse": "validation:rmse", "mae": "validation:mae"},
        ),
        ("[split]\nvalidation = 0\n", {}),
    ],
)
def test_what_the_algorithm_measures_follows_from_its_hyperparameters(
    lines: str, measured: dict[str, str], tmp_path: Path
) -> None:
    text = '[model]\ntask = "regression"\ndata = "d.csv"\nlabel = "y"\nframework = "xgboost"\n'
    write_toml(tmp_path, "m", f'{text}{lines}[serve]\nimage = "xgboost"\n')
    assert training_metrics(load_model(tmp_path, "m")) == measured


def test_numbers_and_truth_values_are_text_for_the_algorithm(tmp_path: Path) -> None:
    text = '[model]\ntask = "regression"\ndata = "d.csv"\nlabel = "y"\nframework = "xgboost"\n'
    given = 'hyperparameters = { num_round = 5, eta = 0.2, booster = "dart", one_drop = true }\n'
    write_toml(tmp_path, "m", f'{text}{given}[serve]\nimage = "xgboost"\n')
    assert hyperparameters(load_model(tmp_path, "m"), "eu-west-1") == {
        "num_round": "5",
        "eta": "0.2",
        "booster": "dart",
        "one_drop": "true",
    }


def test_names_of_jobs_are_short_enough_and_another_model_s_jobs_are_not_meant(tmp_path: Path) -> None:
    longest = "m" * 38
    root = make_project(tmp_path, longest)
    template = synthesize(root, tmp_path / "out")[f"slipway-local-{longest}"]
    begin = machine(template, "Training")["States"]["Begin"]["Assign"]["job"]
    assert f"'slipway-local-{longest}-' & $substring(" in begin and begin.endswith(", 0, 10) %}")
    assert len(f"slipway-local-{longest}-") + 10 <= 63


def test_keys_of_the_bucket_are_told_apart() -> None:
    assert data_prefix("iris", "train") == "data/iris/current/train/"
    assert data_prefix("iris", "test", data_version("0123456789abcdef")) == "data/iris/0123456789ab/test/"
    assert code_key("job-1") == "jobs/job-1/code/sourcedir.tar.gz"
    assert batch_input("iris", "run") == "batch/iris/input/run/"
    assert batch_output("iris", "run") == "batch/iris/output/run/"
    assert uri("bucket", "data/") == "s3://bucket/data/"
