"""The models of a folder, as one: every file of its top level, the image's ensemble."""

import json
import logging
import os
from pathlib import Path

import numpy as np
import xgboost as xgb

_VOTING = ("multi:softmax", "binary:hinge")
_log = logging.getLogger(__name__)


class Model:
    """One booster, or several whose predictions are averaged; classes are voted for."""

    def __init__(self, boosters: list[xgb.Booster]) -> None:
        self._boosters = boosters
        learner = json.loads(boosters[0].save_config())["learner"]
        self.objective: str = learner["objective"]["name"]
        self.num_class = int(learner["learner_model_param"]["num_class"])
        _log.info("Model objective : %s", self.objective)

    def predict(self, matrix: xgb.DMatrix) -> np.ndarray:
        """Return predictions, float32, shape (rows,) or (rows, classes)."""
        every = [booster.predict(matrix, validate_features=False) for booster in self._boosters]
        if len(every) == 1:
            return np.asarray(every[0])
        if self.objective in _VOTING:
            return np.array([_most_frequent(votes) for votes in np.transpose(every)], dtype=every[0].dtype)
        return np.asarray(np.mean(every, axis=0))


def load(folder: Path) -> Model:
    """Return the model of a folder: all its top-level files but those that start with a dot.

    SAGEMAKER_INFERENCE_ENSEMBLE other than `true` takes the first alone. Raises RuntimeError for a file that
    XGBoost cannot load, IndexError where there is none.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if os.environ.get("SAGEMAKER_INFERENCE_ENSEMBLE", "true") != "true":
        paths = paths[:1]
    return Model([_booster(path) for path in paths])


def _booster(path: Path) -> xgb.Booster:
    _log.info("Loading the model from %s", path)
    booster = xgb.Booster()
    try:
        # As bytes: the file has no ending, by which XGBoost would tell its form.
        booster.load_model(bytearray(path.read_bytes()))
    except Exception as error:
        shown = f"/opt/ml/model/{path.name}"
        why = str(error).partition("\nStack trace:")[0]
        raise RuntimeError(
            f"Model {shown} cannot be loaded:\n"
            "Pickle load error=AWS's image unpickles a model, and with it runs whatever code is in the file; "
            "on this machine nothing is unpickled. Save it with Booster.save_model.\n"
            f"XGB load model error={why}"
        ) from error
    booster.set_param("nthread", 1)
    return booster


def _most_frequent(votes: np.ndarray) -> float:
    """Return the class with the most votes, the smallest of equals."""
    values, counts = np.unique(votes, return_counts=True)
    return float(values[counts.argmax()])
