"""A trained model as the rest of training sees it, whatever library it is of."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd

from model_code.serving.engines import XgboostEngine
from slipway.errors import NoEngine, TrainingFailed
from stacks.settings import ModelSettings

from .agreement import Agreement, Answers
from .engines import NONE, Packaged, package, package_booster, packages_of
from .fit import BOOSTER, Trained

Values = npt.NDArray[Any]


class Fitted(Protocol):
    """A model that predicts."""

    def predict(self, features: pd.DataFrame) -> Values:
        """Return the label's value of each row, of shape (rows,) or (rows, 1)."""
        ...

    def scores(self, features: pd.DataFrame) -> Values | None:
        """Return each class's probability, (rows, classes) in sorted order; None where it has none."""
        ...

    def package(self, signature: Mapping[str, Any], answers: Answers) -> Packaged:
        """Choose what serves it. Raises NoEngine."""
        ...

    @property
    def files(self) -> Mapping[str, bytes]:
        """The archive's members besides those of the engine."""
        ...


class Estimator:
    """A scikit-learn estimator, or what behaves as one."""

    def __init__(
        self,
        estimator: Any,
        *,
        packages: Iterable[str] = (),
        optional: bool = False,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self._estimator, self._packages, self._optional = estimator, frozenset(packages), optional
        self.files: Mapping[str, bytes] = files or {}

    def predict(self, features: pd.DataFrame) -> Values:
        """Ask with column names where it was fitted on them."""
        return np.asarray(self._estimator.predict(self._rows(features)))

    def scores(self, features: pd.DataFrame) -> Values | None:
        """Ask predict_proba, where the estimator has it."""
        if not hasattr(self._estimator, "predict_proba"):
            return None
        found: Values = np.asarray(self._estimator.predict_proba(self._rows(features)), dtype=np.float64)
        return found

    def package(self, signature: Mapping[str, Any], answers: Answers) -> Packaged:
        """Choose its engine; where it may do without one, AWS's prebuilt image alone serves it."""
        try:
            return package(self._estimator, signature, answers, packages=self._packages)
        except NoEngine as error:
            if not self._optional:
                raise
            return Packaged(NONE, "", b"", Agreement(rows=0), reason=error.why.rstrip("."))

    def _rows(self, features: pd.DataFrame) -> Any:
        return features if hasattr(self._estimator, "feature_names_in_") else features.to_numpy()


class Booster:
    """What XGBoost's built-in algorithm wrote. One file serves AWS's image and ours alike."""

    files: Mapping[str, bytes] = {}

    def __init__(self, content: bytes, signature: Mapping[str, Any]) -> None:
        self._content = content
        with tempfile.TemporaryDirectory(prefix="slipway-booster-") as folder:
            path = Path(folder, BOOSTER)
            path.write_bytes(content)
            self._engine = XgboostEngine(path, signature, ())

    def predict(self, features: pd.DataFrame) -> Values:
        """Predict; codes become the classes that they stand for."""
        return self._engine.predict(features.to_numpy())

    def scores(self, features: pd.DataFrame) -> Values | None:
        """Return the probabilities, where the objective gives them."""
        return self._engine.probabilities(features.to_numpy())

    def package(self, signature: Mapping[str, Any], answers: Answers) -> Packaged:
        """Take the file as it is."""
        return package_booster(BOOSTER, self._content, signature, answers)


def fitted(settings: ModelSettings, trained: Trained, signature: Mapping[str, Any]) -> Fitted:
    """Load what a training left.

    Raises:
        TrainingFailed: it cannot be loaded.
    """
    if trained.file == BOOSTER:
        return Booster(trained.content, signature)
    return Estimator(
        _load(settings, trained.content),
        packages=packages_of(settings.folder / "requirements.txt"),
        optional=settings.serve.image == "sklearn",
        files={trained.file: trained.content},
    )


def _load(settings: ModelSettings, content: bytes) -> Any:
    # These are the bytes that this model folder's own train.py wrote a moment ago, here or in a job of this
    # project that read it from this folder: nothing foreign is unpickled.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=UserWarning)
            return joblib.load(io.BytesIO(content))
    except (AttributeError, ImportError) as error:
        raise TrainingFailed(
            f"The model of {settings.name} cannot be loaded outside train.py: {error}",
            why="A class or function that train.py defines is not there where the model is served.",
            fix=f"Build the model of model_code/{settings.name}/train.py from scikit-learn's own parts.",
        ) from None
