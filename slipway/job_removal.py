"""What jobs leave outside of any stack: stop those that run, and take their logs away."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from slipway.aws import Aws
from slipway.errors import DeployFailed
from slipway.job_list import running_jobs
from slipway.story import Story
from training.sagemaker.logs import TRAINING_GROUP, TRANSFORM_GROUP
from training.sagemaker.names import model_of, stage_prefix

# SageMaker gives a training two minutes to end by itself, and then takes its time.
_STOP_S = 600.0
_POLL_LOCAL_S, _POLL_S = 0.2, 5.0
_GONE = "ResourceNotFoundException"
_SET_BY_A_PERSON = ("retentionInDays", "kmsKeyId", "metricFilterCount", "dataProtectionStatus")


def stop_jobs(aws: Aws, story: Story, models: Sequence[str], wanted: Sequence[str] = ()) -> None:
    """Stop the running jobs of a stage and wait until they have ended: they need its role and bucket.

    Args:
        aws: the stage's.
        story: is told of each.
        models: all model folders.
        wanted: of these, whose jobs; none is everybody's.

    Raises:
        DeployFailed: a job did not end.
    """
    sagemaker = aws.client("sagemaker")
    deadline = time.monotonic() + _STOP_S
    told: set[str] = set()
    while running := [(kind, job) for kind, job in running_jobs(aws) if _is_wanted(job, aws, models, wanted)]:
        for kind, job in running:
            if job not in told:
                told.add(job)
                story.say(f"stopping the {kind} job {job}, which is running")
                _stop(sagemaker, kind, job)
        if time.monotonic() > deadline:
            raise DeployFailed(
                f"{running[0][1]} did not stop within {_STOP_S:.0f} s.", fix="Run it again in some minutes."
            )
        time.sleep(_POLL_LOCAL_S if aws.endpoint_url else _POLL_S)


def delete_job_logs(aws: Aws, models: Sequence[str], wanted: Sequence[str] = ()) -> int:
    """Delete the log streams of a stage's jobs, and a group that is empty then and as SageMaker makes it.

    The two groups are the account's, with the jobs of everybody in them: no stack can own them. One with a
    retention, a key or filters stays: somebody set them, and a group that SageMaker makes again has none.

    Args:
        aws: the stage's.
        models: all model folders.
        wanted: of these, whose jobs; none is everybody's.

    Returns:
        How many streams there were.
    """
    logs = aws.client("logs")
    deleted = 0
    for group in (TRAINING_GROUP, TRANSFORM_GROUP):
        try:
            pages = logs.get_paginator("describe_log_streams").paginate(
                logGroupName=group, logStreamNamePrefix=stage_prefix(aws.stage.name)
            )
            names = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
            for name in names:
                if _is_wanted(name.partition("/")[0], aws, models, wanted):
                    logs.delete_log_stream(logGroupName=group, logStreamName=name)
                    deleted += 1
            if names and not _is_used(logs, group):
                logs.delete_log_group(logGroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != _GONE:
                raise
    return deleted


def _is_wanted(job: str, aws: Aws, models: Sequence[str], wanted: Sequence[str]) -> bool:
    return not wanted or model_of(job, aws.stage.name, models) in wanted


def _is_used(logs: Any, group: str) -> bool:
    """Whether a group has streams, or settings of somebody's."""
    if logs.describe_log_streams(logGroupName=group, limit=1)["logStreams"]:
        return True
    answer = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    about: dict[str, Any] = next((item for item in answer if item["logGroupName"] == group), {})
    return bool(
        any(about.get(setting) for setting in _SET_BY_A_PERSON)
        or logs.describe_subscription_filters(logGroupName=group, limit=1)["subscriptionFilters"]
    )


def _stop(sagemaker: Any, kind: str, job: str) -> None:
    try:
        if kind == "training":
            sagemaker.stop_training_job(TrainingJobName=job)
        else:
            sagemaker.stop_transform_job(TransformJobName=job)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise  # it is stopping already, or has just ended
