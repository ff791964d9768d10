"""From a model that predicts to an artifact: measure it on the test rows, hold it to its gate, package it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_code.serving.model import as_predictions
from slipway.errors import GateFailed
from stacks.settings import ModelSettings

from .agreement import Answers
from .artifact import Artifact, write_artifact
from .data import Dataset
from .evaluate import check_gate, evaluate
from .evaluation import evaluate_in_depth
from .fit import Progress
from .fitted import Fitted
from .manifest import code_of, manifest_of
from .report import (
    load_card,
    rejected_manifest,
    remove_rejected_report,
    write_card,
    write_rejected_report,
    write_report,
)
from .split import Rows, Split

# An engine has to agree on the whole test set, and on this many of the rows that trained the model: there a
# neighbour is at distance zero, and a row on a threshold.
OTHER_ROWS = 10_000


def package_model(
    root: Path,
    settings: ModelSettings,
    dataset: Dataset,
    parts: Split,
    signature: dict[str, Any],
    model: Fitted,
    values: npt.NDArray[Any],
    *,
    more: Mapping[str, Any],
    progress: Progress,
) -> Artifact:
    """Write a model's artifact.

    Args:
        root: the project's folder.
        settings: the model folder's.
        dataset: all rows.
        parts: which of them are for what.
        signature: from `signature_of`.
        model: what predicts.
        values: what it answers to the test rows.
        more: what the manifest says besides.
        progress: is told what was chosen.

    Raises:
        GateFailed: nothing is written but a report that says by how much; the artifact before stays.
        NoEngine, SettingsError: nothing is written; the artifact before stays.
    """
    load_card(settings.folder)  # a mistake in it is said before anything is written
    kind = signature["prediction"]["type"]
    predicted = as_predictions(values, kind)
    truth = as_predictions(dataset.label.iloc[parts.test].to_numpy(), kind)
    measured = evaluate(settings.model.task, truth, predicted)
    evaluation = evaluate_in_depth(
        settings.model.task,
        dataset,
        parts,
        truth,
        predicted,
        model.predict,
        model.scores,
        signature,
        settings.split.seed,
    )
    try:
        gate = check_gate(settings.name, settings.gate.bounds(), measured)
    except GateFailed as failed:
        refused = rejected_manifest(
            settings, dataset, parts, signature=signature, metrics=measured, evaluation=evaluation
        )
        page = write_rejected_report(root, settings.name, refused)
        shown = page.relative_to(root)
        raise GateFailed(failed.what, why=failed.why, fix=f"{failed.fix} Its report: {shown}") from None
    packaged = model.package(signature, _all_answers(model, dataset, parts, values, kind))
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
    files = {**model.files, **packaged.files, **code_of(root, settings)}
    manifest = {**manifest, "evaluation": evaluation, **more}
    artifact = write_artifact(root, settings.name, files, manifest)
    remove_rejected_report(root, settings.name)
    write_report(root, artifact)
    write_card(root, artifact)
    return artifact


def rows_to_agree_on(parts: Split) -> Rows:
    """Return the rows on which an engine has to agree: the test set, then others."""
    others = np.sort(np.concatenate([parts.train, parts.validation]))
    if len(others) > OTHER_ROWS:
        others = others[np.linspace(0, len(others) - 1, OTHER_ROWS).astype(int)]
    return np.concatenate([parts.test, others])


def _all_answers(
    model: Fitted, dataset: Dataset, parts: Split, on_test: npt.NDArray[Any], kind: str
) -> Answers:
    """Return a model's answers to the rows on which an engine has to agree."""
    rows = rows_to_agree_on(parts)
    others = rows[len(parts.test) :]
    values = np.concatenate([on_test, model.predict(dataset.features.iloc[others])])
    features = dataset.features.iloc[rows]
    probabilities = None if kind == "number" else model.scores(features)
    return Answers(features.to_numpy(), values, kind, probabilities)
