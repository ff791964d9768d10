"""Training jobs as records: named, listed, tagged, deleted, and protected by IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION
from tests.local.conftest import Boto
from tests.local.toy import allow
from tests.local.training_toy import Trainer

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job"


@pytest.fixture(scope="module")
def trainer(boto: Boto) -> Iterator[Trainer]:
    trainer = Trainer(boto)
    yield trainer
    trainer.remove()


def error_of(call: Any, **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**request)
    found: dict[str, Any] = error.value.response["Error"]
    return found


def test_a_name_is_taken_until_its_job_is_deleted(trainer: Trainer) -> None:
    trainer.run("once")

    error = error_of(trainer.sagemaker.create_training_job, **trainer.request("once"))
    assert error["Code"] == "ResourceInUse"
    assert error["Message"].startswith("Training job names must be unique within an AWS account and region")
    assert error["Message"].endswith(f"already exists ({ARN}/once)")

    trainer.sagemaker.delete_training_job(TrainingJobName="once")
    assert error_of(trainer.describe, name="once")["Message"] == "Requested resource not found."
    assert trainer.run("once")["TrainingJobStatus"] == "Completed"


def test_a_job_that_runs_cannot_be_deleted(trainer: Trainer) -> None:
    trainer.start("busy", "wait")
    error = error_of(trainer.sagemaker.delete_training_job, TrainingJobName="busy")
    trainer.sagemaker.stop_training_job(TrainingJobName="busy")
    trainer.ended("busy")

    assert error["Code"] == "ResourceInUse"


@pytest.mark.parametrize("verb", ["describe", "stop", "delete"])
def test_a_name_that_is_unknown_is_not_found(trainer: Trainer, verb: str) -> None:
    error = error_of(getattr(trainer.sagemaker, f"{verb}_training_job"), TrainingJobName="nobody")

    assert (error["Code"], error["Message"]) == ("ValidationException", "Requested resource not found.")


@pytest.fixture(scope="module")
def three(trainer: Trainer) -> list[str]:
    names = ["list-b", "list-a", "list-c"]
    for name in names:
        trainer.run(name, InputDataConfig=None)
    return names


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({}, ["list-c", "list-a", "list-b"]),
        ({"SortOrder": "Ascending"}, ["list-b", "list-a", "list-c"]),
        ({"SortBy": "Name"}, ["list-a", "list-b", "list-c"]),
        ({"SortBy": "Name", "SortOrder": "Descending"}, ["list-c", "list-b", "list-a"]),
        ({"NameContains": "LIST-A"}, ["list-a"]),
        ({"StatusEquals": "Completed", "SortBy": "Name"}, ["list-a", "list-b", "list-c"]),
        ({"StatusEquals": "Failed"}, []),
        ({"StatusEquals": "Failed", "MaxResults": 2}, []),
        ({"CreationTimeAfter": 4_000_000_000}, []),
        ({"CreationTimeBefore": 4_000_000_000, "SortBy": "Status", "MaxResults": 1}, None),
    ],
)
def test_jobs_are_listed_as_asked_for(
    trainer: Trainer, three: list[str], asked: dict[str, Any], wanted: list[str] | None
) -> None:
    found = trainer.sagemaker.list_training_jobs(**{"NameContains": "list-", **asked})
    names = [entry["TrainingJobName"] for entry in found["TrainingJobSummaries"]]

    assert names == wanted if wanted is not None else len(names) == 1


def test_a_list_goes_on_where_its_page_ended(trainer: Trainer, three: list[str]) -> None:
    paginator = trainer.sagemaker.get_paginator("list_training_jobs")
    pages = list(paginator.paginate(NameContains="list-", SortBy="Name", PaginationConfig={"PageSize": 2}))

    assert [len(page["TrainingJobSummaries"]) for page in pages] == [2, 1]
    entry = pages[0]["TrainingJobSummaries"][0]
    assert entry["TrainingJobArn"] == f"{ARN}/list-a"
    assert entry["CreationTime"] <= entry["TrainingEndTime"] == entry["LastModifiedTime"]


def test_tags_come_with_a_job_and_later(trainer: Trainer, three: list[str]) -> None:
    arn = f"{ARN}/list-a"
    trainer.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}])

    assert trainer.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "b"}]


def test_a_user_may_do_what_the_policy_says_of_a_job(trainer: Trainer, boto: Boto, three: list[str]) -> None:
    iam = boto("iam")
    iam.create_user(UserName="trainee")
    statement = allow(["sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"], f"{ARN}/list-a")
    document = json.dumps({"Statement": [statement]})
    iam.put_user_policy(UserName="trainee", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="trainee")["AccessKey"]
    mine = boto(
        "sagemaker", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    try:
        assert mine.describe_training_job(TrainingJobName="list-a")["TrainingJobStatus"] == "Completed"
        ended = error_of(mine.stop_training_job, TrainingJobName="list-a")
        assert ended["Message"].endswith("the training job is in status Completed.")
        for call, name in ((mine.stop_training_job, "list-b"), (mine.delete_training_job, "list-a")):
            error = error_of(call, TrainingJobName=name)
            assert error["Code"] == "AccessDeniedException"
            assert f"{ARN}/{name}" in error["Message"]
    finally:
        iam.delete_access_key(UserName="trainee", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="trainee", PolicyName="p")
        iam.delete_user(UserName="trainee")


@pytest.mark.parametrize(("asked", "fits"), [("mine", True), ("other", False)])
def test_a_role_may_trust_the_jobs_of_some_names_alone(trainer: Trainer, asked: str, fits: bool) -> None:
    name = f"trust-{asked}"
    role = trainer.make_role(
        name, [allow(["s3:*", "logs:*"], "*")],
        Condition={"ArnLike": {"aws:SourceArn": f"{ARN}/trust-mine*"}},
    )  # fmt: skip
    try:
        if fits:
            assert trainer.run(name, RoleArn=role)["TrainingJobStatus"] == "Completed"
        else:
            error = error_of(trainer.sagemaker.create_training_job, **trainer.request(name, RoleArn=role))
            assert error["Message"].startswith(f"Could not assume role {role}.")
    finally:
        trainer.drop_role(name)
