"""Training a model on this machine: the very program that a SageMaker job runs, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from slipway.errors import TrainingFailed
from stacks.settings import ModelSettings
from stacks.training_job import REPRODUCIBLE, hyperparameters

from .channels import TRAINING_CHANNELS, write_channels
from .data import Dataset
from .split import Split
from .told_metrics import ToldMetrics

Progress = Callable[[str], None]
LOG_LINES_SHOWN = 20
# What train.py writes, and what the built-in algorithm does.
JOBLIB, BOOSTER = "model.joblib", "xgboost-model"
# What the built-in algorithm's answers are labels of; without an objective it is reg:squarederror.
_CLASS_OBJECTIVES = ("binary:logistic", "binary:hinge", "multi:softmax", "multi:softprob")
_NUMBER_OBJECTIVES = ("reg", "count", "survival")
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Trained:
    """What a training left.

    Args:
        file: `model.joblib` of a script, `xgboost-model` of the built-in algorithm.
        content: its bytes.
        metrics: the last value of each metric that the training itself told, by its name on SageMaker.
        notes: facts for a file beside the archive, such as the job's name; they do not change the version.
    """

    file: str
    content: bytes
    metrics: Mapping[str, float]
    notes: Mapping[str, str] = field(default_factory=dict)


class Trainer(Protocol):
    """Where a model is trained."""

    def __call__(
        self, settings: ModelSettings, dataset: Dataset, parts: Split, *, progress: Progress
    ) -> Trained:
        """Train on the training and validation rows.

        Raises:
            TrainingFailed: there is no script, it failed, or it wrote no model.
        """
        ...


def model_file(settings: ModelSettings) -> str:
    """Return the name of the file that a training of the framework writes."""
    return BOOSTER if settings.model.framework == "xgboost" else JOBLIB


def fit_here(settings: ModelSettings, dataset: Dataset, parts: Split, *, progress: Progress) -> Trained:
    """Train on this machine, as a Trainer."""
    require_trainable(settings)
    with tempfile.TemporaryDirectory(prefix="slipway-train-") as folder:
        home = Path(folder)
        channels = write_channels(settings, dataset, parts, home / "input" / "data")
        channels = {name: channels[name] for name in TRAINING_CHANNELS if name in channels}
        (home / "model").mkdir()
        (home / "output" / "data").mkdir(parents=True)
        builtin = settings.model.framework == "xgboost"
        command, environment = (_builtin if builtin else _script)(settings, home, channels)
        metrics = ToldMetrics(settings)
        tail = _run(settings, command, environment, metrics, progress)
        model = home / "model" / model_file(settings)
        if not model.is_file():
            raise _failed(settings, f"it wrote no {model.name} into SM_MODEL_DIR", tail)
        return Trained(model.name, model.read_bytes(), metrics.last)


def require_trainable(settings: ModelSettings) -> None:
    """Refuse a model folder that nothing can be trained from.

    Raises:
        TrainingFailed: it has no script, or one that the built-in algorithm would ignore, or an objective of
            another task.
    """
    script = settings.folder / "train.py"
    if settings.model.framework == "xgboost":
        if script.is_file():
            raise TrainingFailed(
                f'model_code/{settings.name} has a train.py, and framework = "xgboost" runs none.',
                why="AWS's built-in algorithm takes hyperparameters and data only.",
                fix='Remove train.py, or set framework = "sklearn" to run it.',
            )
        _require_objective(settings)
        return
    if not script.is_file():
        raise TrainingFailed(
            f"model_code/{settings.name}/train.py is not there.",
            why="A model is what its training script writes, or a file from elsewhere.",
            fix=f"If it was trained elsewhere, run: slipway import {settings.name} PATH. Else copy "
            "model_code/iris/train.py and change the estimator.",
        )


def _require_objective(settings: ModelSettings) -> None:
    """Refuse an objective whose answers are no labels of the task: the algorithm itself takes any numbers."""
    objective = str(settings.model.hyperparameters.get("objective", "reg:squarederror"))
    if settings.model.task == "classification":
        fits, allowed = objective in _CLASS_OBJECTIVES, ", ".join(_CLASS_OBJECTIVES)
    else:
        fits = objective.partition(":")[0] in _NUMBER_OBJECTIVES
        allowed = ", ".join(f"{family}:…" for family in _NUMBER_OBJECTIVES)
    if not fits:
        raise TrainingFailed(
            f"model_code/{settings.name}/model.toml: objective = {objective!r} does not give what a "
            f"{settings.model.task} predicts.",
            why=f"These do: {allowed}.",
            fix="Set objective in [model.hyperparameters], or task.",
        )


def hyperparameter_arguments(values: Mapping[str, bool | int | float | str]) -> list[str]:
    """Return hyperparameters as SageMaker's training toolkit passes them to a script.

    Sorted by name; one dash before a name of one letter, two before a longer one.
    """
    arguments: list[str] = []
    for name, value in sorted(values.items()):
        arguments += [f"-{name}" if len(name) == 1 else f"--{name}", str(value)]
    return arguments


def _script(
    settings: ModelSettings, home: Path, channels: Mapping[str, Path]
) -> tuple[list[str], dict[str, str]]:
    """Return the command of script mode, and its environment."""
    environment = {f"SM_CHANNEL_{name.upper()}": str(folder) for name, folder in channels.items()}
    environment |= {
        "SM_CHANNELS": json.dumps(list(channels)),
        "SM_MODEL_DIR": str(home / "model"),
        "SM_OUTPUT_DATA_DIR": str(home / "output" / "data"),
        "SM_HPS": json.dumps(settings.model.hyperparameters, sort_keys=True),
    }
    script = str((settings.folder / "train.py").resolve())
    return [sys.executable, script, *hyperparameter_arguments(settings.model.hyperparameters)], environment


def _builtin(
    settings: ModelSettings, home: Path, channels: Mapping[str, Path]
) -> tuple[list[str], dict[str, str]]:
    """Return the command of the built-in algorithm, and its environment; its input is files."""
    files = {
        "hyperparameters": hyperparameters(settings, region=""),
        "inputdataconfig": {name: {"ContentType": "text/csv"} for name in channels},
        "resourceconfig": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"},
    }
    config = home / "input" / "config"
    config.mkdir(parents=True)
    for name, content in files.items():
        (config / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    environment = {"SAGEMAKER_BASE_DIR": str(home), "PYTHONPATH": str(_ROOT)}
    return [sys.executable, "-m", "training.xgboost_algorithm"], environment


def _run(
    settings: ModelSettings,
    command: list[str],
    environment: Mapping[str, str],
    metrics: ToldMetrics,
    progress: Progress,
) -> Sequence[str]:
    """Run a training and return the last lines that it printed. Ctrl-C ends it with us."""
    tail: deque[str] = deque(maxlen=LOG_LINES_SHOWN)
    process = subprocess.Popen(
        command,
        cwd=settings.folder,
        env={**os.environ, **REPRODUCIBLE, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        assert process.stdout is not None  # noqa: S101 - Popen was asked for a pipe
        for line in process.stdout:
            tail.append(line.rstrip())
            metrics.read(tail[-1])
            progress(tail[-1])
        status = process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if status != 0:
        raise _failed(settings, _how_it_ended(status), tail)
    return tail


def _how_it_ended(status: int) -> str:
    """Return the end of a process in words; a negative status is the signal that ended it."""
    if status == -signal.SIGKILL:
        return "it was killed (SIGKILL), as the system does where memory runs out"
    return f"exit code {status}" if status >= 0 else f"it was ended by {signal.Signals(-status).name}"


def _failed(settings: ModelSettings, what: str, tail: Sequence[str]) -> TrainingFailed:
    if settings.model.framework == "xgboost":
        return TrainingFailed(
            f"The training of {settings.name} failed: {what}.",
            why="\n".join(tail),
            fix=f"Mend [model] in model_code/{settings.name}/model.toml or its data, and run: "
            f"slipway train {settings.name}",
        )
    return TrainingFailed(
        f"model_code/{settings.name}/train.py failed: {what}.",
        why="\n".join(tail),
        fix=f"Mend the script and run: slipway train {settings.name}",
    )
