"""One training run: data, split, fit, evaluate, gate, package."""

from __future__ import annotations

import io
import platform
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from model_code.serving.media import Prediction
from model_code.serving.model import as_predictions
from slipway.errors import TrainingFailed
from stacks.settings import ModelSettings

from .artifact import Artifact, write_artifact
from .data import Dataset, load_dataset
from .evaluate import check_gate, evaluate
from .fit import Progress, fit
from .split import split

GOLDEN_ROWS = 20
LIBRARIES = ("scikit-learn", "numpy", "scipy", "joblib", "pandas")
MANIFEST_FORMAT = 1


def train(root: Path, settings: ModelSettings, *, progress: Progress = lambda _line: None) -> Artifact:
    """Train a model and write its artifact.

    Args:
        root: the project's folder.
        settings: the model's.
        progress: is given each step and each line that train.py prints.

    Raises:
        DataInvalid, TrainingFailed, GateFailed: nothing is written, the artifact before stays.
    """
    section = settings.model
    dataset = load_dataset(settings)
    classes = section.task == "classification"
    parts = split(dataset, settings.split, stratify=classes)
    progress(
        f"{dataset.source}: {len(dataset.label)} rows, {dataset.features.shape[1]} features; "
        f"train {len(parts.train)}, validation {len(parts.validation)}, test {len(parts.test)}"
    )
    model_bytes = fit(settings, dataset, parts, progress=progress)
    signature = _signature(settings, dataset)
    kind = signature["prediction"]["type"]
    predicted = _predict(settings.name, model_bytes, dataset, parts.test, kind)
    truth = as_predictions(dataset.label.iloc[parts.test].to_numpy(), kind)
    measured = evaluate(section.task, truth, predicted)
    gate = check_gate(settings.name, settings.gate.bounds(), measured)
    # Spread over the test rows, so that sorted data gives rows of every class.
    golden = np.unique(np.linspace(0, len(parts.test) - 1, GOLDEN_ROWS).round().astype(int))
    manifest = {
        "format": MANIFEST_FORMAT,
        "model": settings.name,
        "settings": section.model_dump(mode="json"),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        "data": {"source": dataset.source, "sha256": dataset.sha256, "rows": len(dataset.label)},
        "split": {
            **settings.split.model_dump(),
            "rows": {"train": len(parts.train), "validation": len(parts.validation), "test": len(parts.test)},
        },
        "metrics": measured,
        "gate": gate,
        "signature": signature,
        "golden": {
            "rows": dataset.features.iloc[parts.test[golden]].to_numpy().tolist(),
            "predictions": [predicted[position] for position in golden],
        },
    }
    files = {"model.joblib": model_bytes, **_code(root, settings)}
    return write_artifact(root, settings.name, files, manifest)


def _signature(settings: ModelSettings, dataset: Dataset) -> dict[str, Any]:
    features = []
    for name in dataset.features.columns:
        column = dataset.features[name]
        feature: dict[str, Any] = {
            "name": name,
            "type": "number",
            "minimum": float(column.min()),
            "maximum": float(column.max()),
        }
        if name in dataset.units:
            feature["unit"] = dataset.units[name]
        features.append(feature)
    prediction: dict[str, Any] = {"name": settings.model.label, "type": "number"}
    if settings.model.task == "classification":
        classes = sorted(set(dataset.label.tolist()))
        prediction["type"] = "string" if isinstance(classes[0], str) else "integer"
        prediction["classes"] = classes
    return {"features": features, "id_column": settings.model.id_column, "prediction": prediction}


def _predict(name: str, model_bytes: bytes, dataset: Dataset, rows: Any, kind: str) -> list[Prediction]:
    # These are the bytes that this run's own train.py wrote a moment ago: nothing foreign is unpickled.
    with warnings.catch_warnings():
        warnings.simplefilter("error", category=UserWarning)
        estimator = joblib.load(io.BytesIO(model_bytes))
    features = dataset.features.iloc[rows]
    if not hasattr(estimator, "feature_names_in_"):
        features = features.to_numpy()
    try:
        values = np.asarray(estimator.predict(features))
        return as_predictions(values, kind)
    except (AttributeError, ValueError, TypeError) as error:
        raise TrainingFailed(
            f"The model of {name} cannot predict the test rows: {error}",
            why=f"It must predict one {kind} a row from {dataset.features.shape[1]} features.",
            fix=f"Mend model_code/{name}/train.py: fit on the feature columns, in the order of the CSV.",
        ) from None


def _code(root: Path, settings: ModelSettings) -> Mapping[str, bytes]:
    """The archive's code folder: the serving runtime, and the model folder's own files over its defaults."""
    serving = root / "model_code" / "serving"
    files = {f"code/serving/{path.name}": path.read_bytes() for path in sorted(serving.glob("*.py"))}
    files["code/inference.py"] = files.pop("code/serving/inference.py")
    for name in ("inference.py", "requirements.txt"):
        own = settings.folder / name
        if own.is_file():
            files[f"code/{name}"] = own.read_bytes()
    return files
