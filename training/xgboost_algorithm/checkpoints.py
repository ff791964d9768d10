"""Boosters written while training goes on: checkpoints, and the model in case the job is stopped."""

import contextlib
import os
import re
import signal
from pathlib import Path
from typing import Any

import xgboost as xgb

MODEL_NAME = "xgboost-model"
KEPT = 5
_NAME = "xgboost-checkpoint"
_UNFINISHED = ".sagemaker-ignore"  # SageMaker does not upload a checkpoint with this ending


def save_booster(booster: Any, path: Path) -> None:
    """Write a booster as UBJSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + _UNFINISHED)
    unfinished.write_bytes(booster.save_raw("ubj"))
    unfinished.rename(path)


def newest_checkpoint(folder: Path | None) -> tuple[bytearray | None, int]:
    """Return the newest checkpoint that can be loaded, and how many rounds it holds."""
    for iteration, path in reversed(_checkpoints(folder) if folder else []):
        booster = xgb.Booster()
        with contextlib.suppress(xgb.core.XGBoostError), xgb.config_context(verbosity=0):
            content = bytearray(path.read_bytes())
            booster.load_model(content)
            return content, iteration + 1
    return None, 0


class SaveCheckpoints(xgb.callback.TrainingCallback):  # type: ignore[misc]
    """Writes `xgboost-checkpoint.<iteration>` after each round, and keeps the newest five."""

    def __init__(self, folder: Path, done: int) -> None:
        self._folder = folder
        self._done = done

    def after_iteration(self, model: Any, epoch: int, _evals_log: Any) -> bool:
        """Write one and remove the oldest."""
        save_booster(model, self._folder / f"{_NAME}.{self._done + epoch}")
        for _, path in _checkpoints(self._folder)[:-KEPT]:
            path.unlink(missing_ok=True)
        return False


class SaveModelOnTermination(xgb.callback.TrainingCallback):  # type: ignore[misc]
    """Keeps the model of the newest whole round in the model folder, and ends with 0 at SIGTERM."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        signal.signal(signal.SIGTERM, self._end)

    def after_iteration(self, model: Any, _epoch: int, _evals_log: Any) -> bool:
        """Write the model."""
        save_booster(model, self._folder / MODEL_NAME)
        return False

    def _end(self, *_: Any) -> None:
        for path in self._folder.glob(f"*{_UNFINISHED}"):
            path.unlink()
        os._exit(0)


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    paths = list(folder.iterdir()) if folder.is_dir() else []
    return sorted(
        (int(found[1]), path) for path in paths if (found := re.fullmatch(rf"{_NAME}\.(\d+)", path.name))
    )
