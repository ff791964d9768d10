"""What is told of jobs: of a data log, and of a stage that is not ready for them."""

from __future__ import annotations

import boto3
import pytest

from slipway.batch_log import telling
from slipway.errors import NotDeployed
from slipway.shared import place_of
from stacks.settings import load_stage

OUTPUTS = {"BucketName": "b", "TrainingRoleArn": "arn:aws:iam::123456789012:role/t", "RepositoryUri": "r"}


def test_a_data_log_says_what_became_of_which_file():
    log = """[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD
[sagemaker logs]: the-bucket/in/one.csv: ClientError: 400
[sagemaker logs]: the-bucket/in/one.csv: Line 2
[sagemaker logs]: the-bucket/in/one.csv:
[sagemaker logs]: the-bucket/in/one.csv: Message:
[sagemaker logs]: the-bucket/in/one.csv: {"error": {"code": "not_a_number", "message": "Row 2: no number"}}
[sagemaker logs]: the-bucket/in/two.csv: Bad HTTP status received from algorithm: 500""".splitlines()

    assert telling(log) == [
        "one.csv: ClientError: 400; Line 2; Row 2: no number",
        "two.csv: Bad HTTP status received from algorithm: 500",
    ]


class Stage:
    """A stage's AWS with these outputs of the shared stack."""

    endpoint_url = None

    def __init__(self, project, outputs):
        self.stage, self.found = load_stage(project, "dev"), outputs
        self.session = boto3.Session(region_name="eu-west-1")

    def outputs(self):
        if self.found is None:
            raise NotDeployed("The shared stack is not deployed on dev.", fix="Run: slipway deploy")
        return self.found

    def bound(self):
        return self.session


@pytest.mark.parametrize(
    ("outputs", "what"),
    [(None, "not deployed on dev"), ({"BucketName": "b"}, "has no output TrainingRoleArn")],
)
def test_a_stage_without_what_jobs_need_is_told_the_one_command_that_brings_it(project, outputs, what):
    with pytest.raises(NotDeployed, match=what) as refused:
        place_of(Stage(project, outputs))

    assert refused.value.fix == "Run: slipway deploy --shared --stage dev"


def test_jobs_run_with_the_role_the_bucket_and_the_key_of_the_shared_stack(project):
    place = place_of(Stage(project, {**OUTPUTS, "KeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1"}))

    assert (place.bucket, place.role_arn, place.region) == ("b", OUTPUTS["TrainingRoleArn"], "eu-west-1")
    assert place.key_arn == "arn:aws:kms:eu-west-1:123456789012:key/1"
    assert place.poll_s == 5.0  # a real account has a limit on questions
    assert place.option("iris") == "iris --stage dev"
