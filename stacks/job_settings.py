"""`[train]` and `[batch]` of a model.toml: on what SageMaker trains a model, and transforms files with it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from stacks.section import Section
from stacks.serve_settings import INSTANCE_TYPE

# EventBridge refuses rate(1 days) and rate(7 day), and a cron expression without its one question mark: a
# day is of the month (third field) or of the week (fifth), never both.
_SCHEDULE = re.compile(
    r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d{1,4}) (minutes|hours|days))\)"
    r"|cron\(\S+ \S+ (\? \S+ [^\s?]+|[^\s?]+ \S+ \?) \S+\)"
)
# AWS's own bounds: CreateTrainingJob and CreateTransformJob in the API reference.
_MAX_RUNTIME_MINUTES = 28 * 24 * 60
_MAX_FILTER = 63


def _checked_schedule(schedule: str | None) -> str | None:
    if schedule is not None and not _SCHEDULE.fullmatch(schedule):
        raise ValueError(
            "Write it as rate(7 days) or cron(0 3 ? * MON *), in UTC: minutes, hours, day of month, month, "
            "day of week, year, and a ? for the one of the two days that does not matter"
        )
    return schedule


class TrainSection(Section):
    """`[train]`: the SageMaker training job; a training on this machine needs none of it."""

    instance_type: str = Field(default="ml.m5.large", pattern=INSTANCE_TYPE, examples=["ml.m5.large"])
    """The machine of each instance."""
    instance_count: int = Field(default=1, ge=1, le=20)
    """How many instances; more than one is XGBoost's own distributed training."""
    volume_gb: int = Field(default=10, ge=1, le=16384)
    """The disk of each instance, in GB."""
    max_runtime_minutes: int = Field(default=60, ge=1, le=_MAX_RUNTIME_MINUTES)
    """The job is stopped after so long, in minutes; what it has written by then is kept."""
    spot: bool = False
    """Train on spare machines, up to 90 % cheaper, with checkpoints: AWS may interrupt and resume it."""
    max_wait_minutes: int | None = Field(default=None, ge=1, le=_MAX_RUNTIME_MINUTES)
    """Longest time with the wait for spare machines, in minutes; default: twice the runtime; spot only."""
    network_isolation: bool = True
    """Whether the training container runs without any network."""
    metrics: dict[str, str] = Field(default={})
    """What train.py prints of a metric of the gate, as a regular expression with one group:
    `accuracy = 'validation-accuracy=([0-9.]+)'`; XGBoost's own metrics are known."""
    schedule: str | None = None
    """When the deployed state machine trains: `rate(7 days)`, `cron(0 3 ? * MON *)`; default: by hand."""

    @field_validator("schedule")
    @classmethod
    def _is_a_schedule(cls, schedule: str | None) -> str | None:
        return _checked_schedule(schedule)

    @field_validator("metrics")
    @classmethod
    def _have_one_group(cls, metrics: dict[str, str]) -> dict[str, str]:
        for name, pattern in metrics.items():
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"{name} = {pattern!r} is no regular expression: {error}") from None
            if groups != 1:
                raise ValueError(f"{name} = {pattern!r} has {groups} groups; the one group is the number")
        return metrics


class BatchSection(Section):
    """`[batch]`: the SageMaker transform job of `slipway batch` and of the deployed state machine."""

    instance_type: str = Field(default="ml.m5.large", pattern=INSTANCE_TYPE, examples=["ml.m5.large"])
    """The machine of each instance."""
    instance_count: int = Field(default=1, ge=1, le=100)
    """How many instances; each takes whole files."""
    strategy: Literal["MultiRecord", "SingleRecord"] = "MultiRecord"
    """As many lines a request as fit into `max_payload_mb`, or one."""
    max_payload_mb: int = Field(default=6, ge=1, le=100)
    """Largest request, in MB; times `max_concurrent` 100 at the most."""
    max_concurrent: int = Field(default=0, ge=0, le=100)
    """Requests at a time to each instance; 0 asks the container."""
    input_filter: str = Field(default="$", min_length=1, max_length=_MAX_FILTER)
    """The part of each line that the model gets, as JSONPath: `$[1:]` leaves out the first column."""
    output_filter: str = Field(default="$", min_length=1, max_length=_MAX_FILTER)
    """The part of each result that is written, as JSONPath: with `join`, `$[0,-1]` is the first column and
    the prediction."""
    join: bool = False
    """Write each line together with its prediction."""
    schedule: str | None = None
    """When the deployed state machine runs: `rate(1 day)`, `cron(0 3 * * ? *)`; default: by hand."""

    @field_validator("schedule")
    @classmethod
    def _is_a_schedule(cls, schedule: str | None) -> str | None:
        return _checked_schedule(schedule)
