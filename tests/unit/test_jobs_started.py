"""Starting a job: once, and with the truth about what is not known."""

from __future__ import annotations

import botocore.exceptions
import pytest

from slipway.errors import AwsUnreachable, JobGoesOn, JobLost
from training.sagemaker.place import Place
from training.sagemaker.start import start_job

PLACE = Place(None, "eu-west-1", "dev", "the-bucket", "the-role")
REQUEST = {"TrainingJobName": "job-1", "HyperParameters": {"maxDepth": "5"}}


class Jobs:
    """The SDK's class of a kind of job; its create ends as told."""

    def __init__(self, ends):
        self.ends, self.created, self.got = ends, [], []

    def create(self, **request):
        self.created.append(request)
        if isinstance(self.ends, BaseException):
            raise self.ends
        return self.ends

    def get(self, name, **_):
        self.got.append(name)
        return "the job"


def refusal(code):
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": "no"}}, "CreateTrainingJob")


def started(jobs):
    return start_job(jobs, REQUEST, PLACE, job="job-1", model="iris", section="[train]")


def test_it_is_asked_for_with_the_sdks_names_and_the_stages_session():
    jobs = Jobs("the job")

    assert started(jobs) == "the job"
    sent = {"training_job_name": "job-1", "hyper_parameters": {"maxDepth": "5"}}
    assert jobs.created == [{**sent, "session": None, "region": "eu-west-1"}]


def test_a_name_that_is_taken_is_ours_since_the_first_answer_was_lost():
    jobs = Jobs(refusal("ResourceInUse"))

    assert started(jobs) == "the job"
    assert jobs.got == ["job-1"]


@pytest.mark.parametrize(
    ("end", "error", "words"),
    [
        (refusal("ResourceLimitExceeded"), AwsUnreachable, "Mend [train] in model_code/iris/model.toml"),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="x"), JobLost, "slipway jobs iris --stage dev"),
        (KeyboardInterrupt(), JobGoesOn, "slipway jobs iris --stage dev"),
    ],
)
def test_what_ends_it_is_told_with_what_to_do(end, error, words):
    with pytest.raises(error) as told:
        started(Jobs(end))

    assert words in told.value.fix
