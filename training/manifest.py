"""What an artifact says of itself, and the code that it carries."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from model_code.serving.media import Prediction
from stacks.settings import ModelSettings

from .data import Dataset
from .engines import Packaged
from .signature import as_request_rows
from .signature import signature_of as signature_of
from .split import Split

GOLDEN_ROWS = 20
LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "pandas")
MANIFEST_FORMAT = 2


def manifest_of(
    settings: ModelSettings,
    dataset: Dataset,
    parts: Split,
    *,
    signature: Mapping[str, Any],
    predicted: Sequence[Prediction],
    metrics: Mapping[str, float],
    gate: Mapping[str, Any],
    packaged: Packaged,
) -> dict[str, Any]:
    """Return the manifest, its `files` excepted.

    Args:
        settings: the model folder's.
        dataset: all rows.
        parts: which of them are for what.
        signature: from `signature_of`.
        predicted: what the model answers to the test rows.
        metrics: of those answers.
        gate: the gate's result.
        packaged: the engine.
    """
    # Spread over the test rows, so that sorted data gives rows of every class.
    golden = np.unique(np.linspace(0, len(parts.test) - 1, GOLDEN_ROWS).round().astype(int))
    versions = {name: version(name) for name in LIBRARIES}
    return {
        "format": MANIFEST_FORMAT,
        "model": settings.name,
        "settings": settings.model.model_dump(mode="json"),
        "versions": {"python": platform.python_version(), **versions, **packaged.versions},
        "data": {"source": dataset.source, "sha256": dataset.sha256, "rows": len(dataset.label)},
        "split": {
            **settings.split.model_dump(),
            "rows": {"train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)},
        },
        "metrics": dict(metrics),
        "gate": dict(gate),
        "signature": dict(signature),
        "engine": packaged.entry,
        "hooks": (settings.folder / "inference.py").is_file(),
        "golden": {
            "rows": as_request_rows(dataset.features.iloc[parts.test[golden]].to_numpy(), signature),
            "predictions": [predicted[position] for position in golden],
        },
    }


def code_of(root: Path, settings: ModelSettings) -> Mapping[str, bytes]:
    """Return the archive's code: the serving runtime, and the model folder's own files over its defaults."""
    serving = root / "model_code" / "serving"
    files = {f"code/serving/{path.name}": path.read_bytes() for path in sorted(serving.glob("*.py"))}
    files["code/inference.py"] = files.pop("code/serving/inference.py")
    for name in ("inference.py", "requirements.txt"):
        own = settings.folder / name
        if own.is_file():
            files[f"code/{name}"] = own.read_bytes()
    return files
