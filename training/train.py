"""One training run: data, split, fit, evaluate, gate, package."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from model_code.serving.model import as_predictions
from slipway.errors import TrainingFailed
from stacks.settings import ModelSettings

from .artifact import Artifact, write_note
from .data import Dataset, load_dataset
from .fit import Progress, Trained, Trainer, fit_here, require_trainable
from .fitted import fitted
from .packaging import package_model
from .signature import signature_of
from .split import Split, split

# A third of a second of imports, which packaging needs and training does not.
_NEEDED_LATER = ("onnxruntime", "skl2onnx.operator_converters.random_forest", "sklearn.compose", "rich.table")
JOB_NOTE = "training-job.json"


def train(
    root: Path,
    settings: ModelSettings,
    *,
    trainer: Trainer = fit_here,
    progress: Progress = lambda _line: None,
) -> Artifact:
    """Train a model and write its artifact.

    Args:
        root: the project's folder.
        settings: the model's.
        trainer: where it is trained.
        progress: is given each step and each line that the training prints.

    Raises:
        DataInvalid, TrainingFailed, GateFailed, NoEngine: nothing is written, the artifact before stays.
    """
    require_trainable(settings)
    dataset, parts = load_parts(settings, progress)
    with _importing_meanwhile():
        trained = trainer(settings, dataset, parts, progress=progress)
    return package_trained(root, settings, dataset, parts, trained, progress=progress)


def package_trained(
    root: Path,
    settings: ModelSettings,
    dataset: Dataset,
    parts: Split,
    trained: Trained,
    *,
    progress: Progress = lambda _line: None,
) -> Artifact:
    """Measure what a training left on the test rows and write the artifact.

    Raises:
        TrainingFailed, GateFailed, NoEngine: as `train` does.
    """
    signature = signature_of(settings, dataset)
    kind = signature["prediction"]["type"]
    model = fitted(settings, trained, signature)
    try:
        values = model.predict(dataset.features.iloc[parts.test])
        as_predictions(values, kind)
    except (AttributeError, ValueError, TypeError, IndexError) as error:
        raise TrainingFailed(
            f"The model of {settings.name} cannot predict the test rows: {error}",
            why=f"It must predict one {kind} a row from {dataset.features.shape[1]} features.",
            fix=f"Mend model_code/{settings.name}/train.py: fit on the columns in the order of the CSV."
            if settings.model.framework == "sklearn"
            else f"Mend objective and num_class in model_code/{settings.name}/model.toml.",
        ) from None
    more = {"validation": dict(trained.metrics)}
    artifact = package_model(
        root, settings, dataset, parts, signature, model, values, more=more, progress=progress
    )
    if trained.notes:
        write_note(artifact, JOB_NOTE, json.dumps(dict(trained.notes), indent=1, sort_keys=True) + "\n")
    return artifact


@contextmanager
def _importing_meanwhile() -> Iterator[None]:
    """Import what comes after the training while it runs: this process only waits for it then."""
    imports = threading.Thread(target=lambda: [import_module(name) for name in _NEEDED_LATER])
    imports.start()
    try:
        yield
    finally:
        imports.join()


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
