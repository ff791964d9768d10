"""One training run: data, split, fit, evaluate, gate, package."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd

from model_code.serving.model import as_predictions
from slipway.errors import NoEngine, TrainingFailed
from stacks.settings import ModelSettings

from .agreement import Agreement, Answers
from .artifact import Artifact, write_artifact
from .data import Dataset, load_dataset
from .engines import NONE, Packaged, package, packages_of
from .evaluate import check_gate, evaluate
from .fit import Progress, fit
from .manifest import code_of, manifest_of, signature_of
from .split import Rows, Split, split

# An engine has to agree on the whole test set, and on this many of the rows that trained the model: there a
# neighbour is at distance zero, and a row on a threshold.
OTHER_ROWS = 10_000


def train(root: Path, settings: ModelSettings, *, progress: Progress = lambda _line: None) -> Artifact:
    """Train a model and write its artifact.

    Args:
        root: the project's folder.
        settings: the model's.
        progress: is given each step and each line that train.py prints.

    Raises:
        DataInvalid, TrainingFailed, GateFailed, NoEngine: nothing is written, the artifact before stays.
    """
    section = settings.model
    dataset, parts = load_parts(settings, progress)
    model_bytes = fit(settings, dataset, parts, progress=progress)
    signature = signature_of(settings, dataset)
    kind = signature["prediction"]["type"]
    estimator = _load(settings, model_bytes)
    try:
        values = answers_of(estimator, dataset.features.iloc[parts.test])
        predicted = as_predictions(values, kind)
    except (AttributeError, ValueError, TypeError) as error:
        raise TrainingFailed(
            f"The model of {settings.name} cannot predict the test rows: {error}",
            why=f"It must predict one {kind} a row from {dataset.features.shape[1]} features.",
            fix=f"Mend model_code/{settings.name}/train.py: fit on the columns in the order of the CSV.",
        ) from None
    truth = as_predictions(dataset.label.iloc[parts.test].to_numpy(), kind)
    measured = evaluate(section.task, truth, predicted)
    gate = check_gate(settings.name, settings.gate.bounds(), measured)
    packaged = _package(settings, estimator, signature, all_answers(estimator, dataset, parts, values, kind))
    progress(packaged.summary())
    manifest = manifest_of(
        settings,
        dataset,
        parts,
        signature=signature,
        predicted=predicted,
        metrics=measured,
        gate=gate,
        packaged=packaged,
    )
    files = {"model.joblib": model_bytes, **packaged.files, **code_of(root, settings)}
    return write_artifact(root, settings.name, files, manifest)


def load_parts(settings: ModelSettings, progress: Progress) -> tuple[Dataset, Split]:
    """Read the data that the model folder names and split it.

    Raises:
        DataInvalid: it cannot be read, or split.
    """
    dataset = load_dataset(settings)
    parts = split(dataset, settings.split, stratify=settings.model.task == "classification")
    progress(
        f"{dataset.source}: {len(dataset.label)} rows, {dataset.features.shape[1]} features; "
        f"train {len(parts.train)}, validation {len(parts.validation)}, test {len(parts.test)}"
    )
    return dataset, parts


def answers_of(estimator: Any, features: pd.DataFrame) -> npt.NDArray[Any]:
    """Return an estimator's answers, asked with column names where it was fitted on them."""
    rows = features if hasattr(estimator, "feature_names_in_") else features.to_numpy()
    return np.asarray(estimator.predict(rows))


def rows_to_agree_on(parts: Split) -> Rows:
    """Return the rows on which an engine has to agree: the test set, then others."""
    others = np.sort(np.concatenate([parts.train, parts.validation]))
    if len(others) > OTHER_ROWS:
        others = others[np.linspace(0, len(others) - 1, OTHER_ROWS).astype(int)]
    return np.concatenate([parts.test, others])


def all_answers(
    estimator: Any, dataset: Dataset, parts: Split, on_test: npt.NDArray[Any], kind: str
) -> Answers:
    """Return an estimator's answers to the rows on which an engine has to agree."""
    rows = rows_to_agree_on(parts)
    others = rows[len(parts.test) :]
    values = np.concatenate([on_test, answers_of(estimator, dataset.features.iloc[others])])
    return Answers(dataset.features.iloc[rows].to_numpy(), values, kind)


def _load(settings: ModelSettings, model_bytes: bytes) -> Any:
    # These are the bytes that this run's own train.py wrote a moment ago: nothing foreign is unpickled.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=UserWarning)
            return joblib.load(io.BytesIO(model_bytes))
    except (AttributeError, ImportError) as error:
        raise TrainingFailed(
            f"The model of {settings.name} cannot be loaded outside train.py: {error}",
            why="A class or function that train.py defines is not there where the model is served.",
            fix=f"Build the model of model_code/{settings.name}/train.py from scikit-learn's own parts.",
        ) from None


def _package(
    settings: ModelSettings, estimator: Any, signature: dict[str, Any], answers: Answers
) -> Packaged:
    try:
        return package(
            estimator, signature, answers, packages=packages_of(settings.folder / "requirements.txt")
        )
    except NoEngine as error:
        if settings.serve.image != "sklearn":
            raise
        return Packaged(NONE, "", b"", Agreement(rows=0), reason=error.why.rstrip("."))
