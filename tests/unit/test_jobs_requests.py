"""Names, inputs and requests of jobs: as SageMaker and its SDK want them."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from stacks.settings import MODEL_NAME, load_model
from stacks.training_job import REPRODUCIBLE, training_code
from training.sagemaker.inputs import Inputs, present_inputs, upload_inputs
from training.sagemaker.names import job_name, model_of, model_prefix
from training.sagemaker.place import Place
from training.sagemaker.request import as_sdk, training_request
from training.train import load_parts

KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
ROLE = "arn:aws:iam::123456789012:role/training"


class MemoryS3:
    """The few calls of S3 that inputs take, on a dictionary."""

    def __init__(self):
        self.objects, self.uploads = {}, []

    def head_object(self, **asked):
        if asked["Key"] not in self.objects:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")

    def upload_file(self, path, bucket, key):
        self.uploads.append(key)
        self.objects[key] = Path(path).read_bytes()

    def copy(self, source, bucket, key):
        self.objects[key] = self.objects[source["Key"]]

    def delete_object(self, **asked):
        del self.objects[asked["Key"]]

    def get_paginator(self, _):
        return self

    def paginate(self, **asked):
        keys = [key for key in self.objects if key.startswith(asked["Prefix"])]
        return [{"Contents": [{"Key": key} for key in keys]}]


class Session:
    """Clients of one kind."""

    def __init__(self, s3):
        self.s3 = s3

    def client(self, _service):
        return self.s3


def place_with(s3=None, key_arn=None):
    return Place(Session(s3 or MemoryS3()), "eu-west-1", "dev", "the-bucket", ROLE, key_arn)


def told(_line):
    pass


@pytest.fixture
def iris(project):
    return load_model(project, "iris")


@pytest.fixture
def trees(project):
    """A model for the built-in algorithm, on two machines."""
    folder = project / "model_code" / "trees"
    folder.mkdir()
    (folder / "model.toml").write_text(
        '[model]\ntask = "regression"\ndata = "sklearn:diabetes"\nlabel = "progression"\n'
        'framework = "xgboost"\nhyperparameters = { num_round = 5, eta = 0.2 }\n[train]\ninstance_count = 2\n'
        '[serve]\nimage = "xgboost"\n'
    )
    return load_model(project, "trees")


def valid(request):
    model = boto3.client("sagemaker", region_name="eu-west-1").meta.service_model
    shape = model.operation_model("CreateTrainingJob").input_shape
    return ParamValidator().validate(request, shape).generate_report()


def test_two_starts_have_two_names_that_aws_takes_however_long_the_model_is_called():
    longest = "a" * 38
    assert MODEL_NAME.fullmatch(longest)

    names = {job_name("local", longest) for _ in range(100)}

    assert len(names) == 100
    assert max(map(len, names)) <= 63
    assert model_of(names.pop(), "local", ["iris", longest]) == longest


def test_a_job_is_of_the_model_with_the_longest_name_that_fits():
    models = ["iris", "iris_forest", "wine"]

    assert model_of(job_name("dev", "iris_forest"), "dev", models) == "iris_forest"
    assert model_of(job_name("dev", "iris"), "dev", models) == "iris"
    assert model_of(job_name("prod", "iris"), "dev", models) is None
    assert model_prefix("dev", "iris_forest") == "slipway-dev-iris-forest-"


def test_the_request_of_a_script_is_what_the_api_takes(iris):
    inputs = Inputs("0123456789ab", {"train": "s3://b/t/", "validation": "s3://b/v/"}, b"code")

    request = training_request(place_with(key_arn=KEY), iris, "job-1", inputs)

    assert valid(request) == ""
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == [
        "train",
        "validation",
        "code",
    ]
    assert {name: json.loads(text) for name, text in request["HyperParameters"].items()} == {
        "C": 0.5,
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
        "sagemaker_region": "eu-west-1",
        "sagemaker_container_log_level": 30,
    }
    image = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
    assert request["AlgorithmSpecification"]["TrainingImage"] == image
    assert request["OutputDataConfig"] == {"S3OutputPath": "s3://the-bucket/jobs", "KmsKeyId": KEY}
    assert request["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    assert request["EnableNetworkIsolation"] is True
    assert request["Environment"] == REPRODUCIBLE
    assert {"Key": "Model", "Value": "iris"} in request["Tags"]


def test_spare_machines_have_checkpoints_of_their_own(iris):
    spot = iris.model_copy(update={"train": iris.train.model_copy(update={"spot": True})})
    inputs = Inputs("0123456789ab", {"train": "s3://b/t/", "validation": "s3://b/v/"}, b"code")

    request = training_request(place_with(), spot, "job-1", inputs)

    assert valid(request) == ""
    assert request["EnableManagedSpotTraining"] is True
    assert request["CheckpointConfig"]["S3Uri"] == "s3://the-bucket/jobs/job-1/checkpoints/"
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200}


def test_the_sdk_takes_the_request_and_sends_the_very_same(iris):
    from sagemaker.core.shapes import shapes
    from sagemaker.core.utils.utils import serialize

    inputs = Inputs("0123456789ab", {"train": "s3://b/t/", "validation": "s3://b/v/"}, b"code")
    request = training_request(place_with(key_arn=KEY), iris, "job-1", inputs)

    theirs = as_sdk(request)

    assert theirs["hyper_parameters"] == request["HyperParameters"]
    resources = shapes.ResourceConfig(**theirs["resource_config"])
    assert serialize(resources) == request["ResourceConfig"]
    channels = [serialize(shapes.Channel(**channel)) for channel in theirs["input_data_config"]]
    assert channels == request["InputDataConfig"]


def test_what_is_in_the_bucket_is_not_uploaded_again(iris):
    s3 = MemoryS3()
    dataset, parts = load_parts(iris, told)

    first = upload_inputs(place_with(s3), iris, dataset, parts, progress=told)
    sent = len(s3.uploads)
    second = upload_inputs(place_with(s3), iris, dataset, parts, progress=told)

    assert sent == len(s3.uploads) == 3
    assert first == second == present_inputs(place_with(s3), iris, dataset, parts)
    assert set(first.channels) == {"train", "validation"}  # never the test rows
    assert s3.objects[f"data/iris/{first.version}/train/train.csv"].startswith(b"sepal_length,")
    assert s3.objects["data/iris/current/test/test.csv"].count(b"\n") == 31


def test_another_split_is_another_place_and_the_current_one_has_no_rest_of_before(iris, trees):
    s3 = MemoryS3()
    dataset, parts = load_parts(iris, told)
    first = upload_inputs(place_with(s3), iris, dataset, parts, progress=told)
    s3.objects["data/iris/current/train/train-00001.csv"] = b"of two machines"
    other = iris.model_copy(update={"split": iris.split.model_copy(update={"seed": 7})})

    second = upload_inputs(place_with(s3), other, *load_parts(other, told), progress=told)

    assert first.version != second.version
    current = [key for key in s3.objects if key.startswith("data/iris/current/train/")]
    assert current == ["data/iris/current/train/train.csv"]
    assert s3.objects[current[0]] == s3.objects[f"data/iris/{second.version}/train/train.csv"]


def test_machines_of_the_builtin_algorithm_share_the_training_rows_alone(trees):
    s3 = MemoryS3()
    place = place_with(s3)
    dataset, parts = load_parts(trees, told)

    inputs = upload_inputs(place, trees, dataset, parts, progress=told)
    request = training_request(place, trees, "job-1", inputs)

    assert valid(request) == ""
    prefix = f"data/trees/{inputs.version}"
    files = [s3.objects[f"{prefix}/train/train-0000{number}.csv"] for number in (0, 1)]
    assert abs(files[0].count(b"\n") - files[1].count(b"\n")) <= 1
    assert sum(file.count(b"\n") for file in files) == len(parts.train)
    distribution = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3DataDistributionType"]
        for channel in request["InputDataConfig"]
    }
    assert distribution == {"train": "ShardedByS3Key", "validation": "FullyReplicated"}
    assert request["HyperParameters"] == {"num_round": "5", "eta": "0.2"}
    assert request["EnableInterContainerTrafficEncryption"] is True
    assert "MetricDefinitions" not in request["AlgorithmSpecification"]


def test_a_script_with_requirements_runs_with_a_network_and_brings_them(iris):
    (iris.folder / "requirements.txt").write_text("numpy\n")
    inputs = Inputs("0123456789ab", {"train": "s3://b/t/", "validation": "s3://b/v/"}, b"code")

    request = training_request(place_with(), iris, "job-1", inputs)

    assert request["EnableNetworkIsolation"] is False
    code = training_code(iris)
    assert code == training_code(iris)
    with tarfile.open(fileobj=io.BytesIO(code), mode="r:gz") as tar:
        assert tar.getnames() == ["requirements.txt", "train.py"]
