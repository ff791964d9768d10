"""The jobs of a stage, as AWS lists them: by their names, and with no need of the SDK."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from botocore.exceptions import ClientError

from slipway.aws import Aws
from slipway.errors import NoSuchJob
from training.sagemaker.names import model_of, stage_prefix
from training.told_metrics import as_metric

Kind = Literal["training", "transform"]
KINDS: tuple[Kind, ...] = ("training", "transform")
RUNNING = ("InProgress", "Stopping")
_NO_SUCH = ("ValidationException", "ResourceNotFound", "ResourceNotFoundException")


@dataclass(frozen=True)
class JobRow:
    """One job.

    Args:
        name: its name.
        kind: training or transform.
        model: the model folder that it is of; None if there is none any more.
        status: InProgress, Completed, Failed, Stopping or Stopped.
        started: when it was created, ISO 8601 in UTC.
        seconds: how long it took, or takes already.
        machine: how many of which.
        metrics: the last value of each that it told.
        reason: why it failed.
    """

    name: str
    kind: Kind
    model: str | None
    status: str
    started: str
    seconds: float
    machine: str
    metrics: dict[str, float]
    reason: str


def jobs_of(aws: Aws, models: Sequence[str], model: str | None = None, *, most: int = 20) -> list[JobRow]:
    """Return the newest jobs of a stage, or of one model.

    Args:
        aws: the stage's.
        models: all model folders.
        model: whose jobs; None is everybody's.
        most: how many at the most.
    """
    sagemaker = aws.client("sagemaker")
    found = [
        (item, kind, of)
        for kind in KINDS
        for item in _listed(sagemaker, kind, aws.stage.name)
        if (of := model_of(item["name"], aws.stage.name, models)) == model or model is None
    ]
    found.sort(key=lambda entry: entry[0]["created"], reverse=True)
    return [_row(sagemaker, item["name"], kind, of) for item, kind, of in found[:most]]


def running_jobs(aws: Aws) -> list[tuple[Kind, str]]:
    """Return the jobs of a stage that have not ended."""
    sagemaker = aws.client("sagemaker")
    return [
        (kind, item["name"])
        for kind in KINDS
        for item in _listed(sagemaker, kind, aws.stage.name)
        if item["status"] in RUNNING
    ]


def kind_of(aws: Aws, job: str) -> Kind:
    """Return what a job is.

    Raises:
        NoSuchJob: there is none of that name.
    """
    sagemaker = aws.client("sagemaker")
    reason = ""
    for kind in KINDS:
        try:
            _described(sagemaker, job, kind)
            return kind
        except ClientError as error:
            if error.response["Error"]["Code"] not in _NO_SUCH:
                raise
            reason = str(error)
    raise NoSuchJob(f"There is no job {job} on {aws.stage.name}.", why=reason, fix="Look at: slipway jobs")


def _listed(sagemaker: Any, kind: Kind, stage: str) -> Iterator[dict[str, Any]]:
    """Return name, status and time of creation of each job of a stage, the newest first."""
    title = kind.title()
    pages = sagemaker.get_paginator(f"list_{kind}_jobs").paginate(
        NameContains=stage_prefix(stage), SortBy="CreationTime", SortOrder="Descending"
    )
    for page in pages:
        for summary in page[f"{title}JobSummaries"]:
            name = summary[f"{title}JobName"]
            if name.startswith(stage_prefix(stage)):  # AWS looks for it anywhere in the name
                yield {
                    "name": name,
                    "status": summary[f"{title}JobStatus"],
                    "created": summary["CreationTime"],
                }


def _row(sagemaker: Any, name: str, kind: Kind, model: str | None) -> JobRow:
    told, title = _described(sagemaker, name, kind), kind.title()
    machine = told["ResourceConfig" if kind == "training" else "TransformResources"]
    began = told.get(f"{title}StartTime") or told["CreationTime"]
    ended = told.get(f"{title}EndTime") or datetime.now(UTC)
    metrics = {item["MetricName"]: as_metric(item["Value"]) for item in told.get("FinalMetricDataList", ())}
    return JobRow(
        name=name,
        kind=kind,
        model=model,
        status=told[f"{title}JobStatus"],
        started=told["CreationTime"].astimezone(UTC).isoformat(timespec="seconds"),
        seconds=round((ended - began).total_seconds(), 1),
        machine=f"{machine['InstanceCount']} x {machine['InstanceType']}",
        metrics=metrics,
        reason=told.get("FailureReason", ""),
    )


def _described(sagemaker: Any, name: str, kind: Kind) -> dict[str, Any]:
    if kind == "training":
        return dict(sagemaker.describe_training_job(TrainingJobName=name))
    return dict(sagemaker.describe_transform_job(TransformJobName=name))
