"""Running a model folder's train.py as SageMaker's script mode does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from slipway.errors import TrainingFailed
from stacks.settings import ModelSettings

from .data import Dataset
from .split import Split

Progress = Callable[[str], None]
# One thread and one hash seed: the same rows give the same bytes, run after run.
REPRODUCIBLE = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "default"}
LOG_LINES_SHOWN = 20


def hyperparameter_arguments(values: Mapping[str, bool | int | float | str]) -> list[str]:
    """Return hyperparameters as SageMaker's training toolkit passes them to a script.

    Sorted by name; one dash before a name of one letter, two before a longer one.
    """
    arguments: list[str] = []
    for name, value in sorted(values.items()):
        arguments += [f"-{name}" if len(name) == 1 else f"--{name}", str(value)]
    return arguments


def fit(settings: ModelSettings, dataset: Dataset, parts: Split, *, progress: Progress) -> bytes:
    """Run train.py on the training and validation rows and return the bytes of its model.joblib.

    Raises:
        TrainingFailed: there is no script, it failed, or it wrote no model.
    """
    script = settings.folder / "train.py"
    if not script.is_file():
        raise TrainingFailed(
            f"model_code/{settings.name}/train.py is not there.",
            why="A model is what its training script writes, or a file from elsewhere.",
            fix=f"If it was trained elsewhere, run: slipway import {settings.name} PATH. Else copy "
            "model_code/iris/train.py and change the estimator.",
        )
    with tempfile.TemporaryDirectory(prefix="slipway-train-") as folder:
        home = Path(folder)
        environment = _script_mode(home, settings, dataset, parts)
        command = [
            sys.executable,
            str(script.resolve()),
            *hyperparameter_arguments(settings.model.hyperparameters),
        ]
        tail: list[str] = []
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
                tail = [*tail, line.rstrip()][-LOG_LINES_SHOWN:]
                progress(line.rstrip())
            status = process.wait()
        finally:
            if process.poll() is None:  # Ctrl-C: the script ends with us
                process.kill()
                process.wait()
        model = home / "model" / "model.joblib"
        if status != 0 or not model.is_file():
            what = f"exit code {status}" if status else "it wrote no model.joblib into SM_MODEL_DIR"
            raise TrainingFailed(
                f"model_code/{settings.name}/train.py failed: {what}.",
                why="\n".join(tail),
                fix=f"Mend the script and run: slipway train {settings.name}",
            )
        return model.read_bytes()


def _script_mode(home: Path, settings: ModelSettings, dataset: Dataset, parts: Split) -> dict[str, str]:
    table = pd.concat([dataset.features, dataset.label.rename(settings.model.label)], axis=1)
    environment = {"SM_CHANNELS": json.dumps(["train", "validation"])}
    for name, rows in (("train", parts.train), ("validation", parts.validation)):
        channel = home / "input" / "data" / name
        channel.mkdir(parents=True)
        table.iloc[rows].to_csv(channel / f"{name}.csv", index=False, lineterminator="\n")
        environment[f"SM_CHANNEL_{name.upper()}"] = str(channel)
    for variable, folder in (("SM_MODEL_DIR", "model"), ("SM_OUTPUT_DATA_DIR", "output/data")):
        (home / folder).mkdir(parents=True)
        environment[variable] = str(home / folder)
    environment["SM_HPS"] = json.dumps(settings.model.hyperparameters, sort_keys=True)
    return environment
