"""The one door to the SageMaker SDK, which is an option: importing it takes seconds (docs/decisions/0012)."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from slipway.errors import ToolMissing


def training_job() -> Any:
    """Return the SDK's class TrainingJob.

    Raises:
        ToolMissing: the SDK is not installed.
    """
    return _module("sagemaker.core.resources").TrainingJob


def transform_job() -> Any:
    """Return the SDK's class TransformJob.

    Raises:
        ToolMissing: the SDK is not installed.
    """
    return _module("sagemaker.core.resources").TransformJob


def snake_case(name: str) -> str:
    """Return the SDK's name for one of the API's: `VolumeSizeInGB` is `volume_size_in_gb`."""
    return str(_module("sagemaker.core.utils.utils").pascal_to_snake(name))


def _module(name: str) -> ModuleType:
    # These two talk to AWS through the session that they are given and, unlike the rest of the SDK, report
    # nothing to anybody: tests/local/test_train_on_sagemaker.py listens.
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ToolMissing(
            "The SageMaker SDK is not installed.",
            why=f"Jobs on SageMaker need it, and nothing else does ({error}).",
            fix="Run: make setup-sagemaker",
        ) from None
