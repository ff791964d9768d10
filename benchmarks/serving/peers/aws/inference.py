"""Script mode in AWS's stack: its own decoder, and the reshape without which it refuses a single CSV row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
from sagemaker_containers.beta.framework import encoders


def model_fn(model_dir: str) -> Any:
    """Load the model."""
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(body: Any, content_type: str) -> Any:
    """Decode as the image does by default; one CSV row arrives flat."""
    rows = encoders.decode(body, content_type).astype("float32")
    return rows.reshape(1, -1) if rows.ndim == 1 else rows
