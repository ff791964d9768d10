"""Names of jobs: `slipway-<stage>-<model>-<12 hex>`, another one for each start."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from stacks.settings import stack_name

# AWS allows 63 characters.
_LONGEST = 63
_SUFFIX_BYTES = 6


def job_name(stage: str, model: str) -> str:
    """Return a name that no other job has."""
    return model_prefix(stage, model) + secrets.token_hex(_SUFFIX_BYTES)


def stage_prefix(stage: str) -> str:
    """Return what the names of all jobs of a stage begin with."""
    return f"{stack_name(stage)}-"


def model_prefix(stage: str, model: str) -> str:
    """Return what the names of a model's jobs begin with; so may those of a model with a longer name."""
    return stack_name(stage, model)[: _LONGEST - 1 - 2 * _SUFFIX_BYTES].rstrip("-") + "-"


def model_of(job: str, stage: str, models: Iterable[str]) -> str | None:
    """Return the model that a job is of: the one with the longest name that fits, or None."""
    fitting = [model for model in models if job.startswith(model_prefix(stage, model))]
    return max(fitting, key=len, default=None)
