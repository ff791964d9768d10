"""Engines: what computes predictions, one for each form in which a model is packaged.

No engine that a manifest can name unpickles: ONNX and UBJSON are data, and skops builds only the types that
the manifest lists.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .errors import RequestError
from .signature import SINGLE_MAX, Matrix

Values = npt.NDArray[Any]
# ONNX Runtime keeps what its largest call needed; more rows at once are no faster.
_ROWS_A_CALL = 4096
_SINGLE = np.dtype(np.float32)


class Engine(Protocol):
    """A loaded model."""

    single_precision: bool
    """Whether it computes with float32, to which rows are then rounded before anything else."""
    calls_are_expensive: bool
    """Whether one call with many rows beats many calls with one by so much that requests should share it."""

    def predict(self, matrix: Matrix) -> Values:
        """Predict every row.

        Args:
            matrix: of shape (rows, features), never infinite, NaN only where the signature says that a
                feature may be missing, in the signature's order; float64, or float32 where the engine is of
                single precision.

        Returns:
            One value for each row, of shape (rows,) or (rows, 1).
        """
        ...

    def with_probabilities(self, matrix: Matrix) -> tuple[Values, Values]:
        """Predict every row, and tell each class's probability.

        Asked only where the manifest says that the model tells them: `{"engine": {"probabilities": true}}`.

        Args:
            matrix: as for `predict`.

        Returns:
            What `predict` returns, and numbers of shape (rows, classes), in the order of the signature's
            classes.
        """
        ...


class OnnxEngine:
    """ONNX Runtime on one thread: a graph with one float32 input (rows, features), its answer first.

    Each class's probability, (rows, classes), may come second; it is computed only where it is asked for.
    """

    single_precision = True
    calls_are_expensive = False

    def __init__(self, file: Path, _signature: Mapping[str, Any], _trusted: Sequence[str]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # A worker process a core, and one thread in each: more threads would wait for each other.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what fails is raised as well
        session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
        # Without the checks of the names that `run` makes every time: they are the session's own.
        self._run = getattr(session, "_sess", session).run
        self._input = session.get_inputs()[0].name
        self._both = [output.name for output in session.get_outputs()][:2]
        self._outputs = self._both[:1]
        # Without it ONNX Runtime computes every output, whichever are asked for.
        self._path: Any = None
        if len(self._both) > 1:
            self._path = onnxruntime.RunOptions()
            self._path.only_execute_path_to_fetches = True

    def predict(self, matrix: Matrix) -> Values:
        """Predict every row, from float32: what scikit-learn's trees round to as well."""
        if matrix.dtype is not _SINGLE:
            matrix = matrix.astype(np.float32)
        if len(matrix) <= _ROWS_A_CALL:
            values: Values = self._run(self._outputs, {self._input: matrix}, self._path)[0]
            return values
        return np.concatenate([_shared(self.predict(part)) for part in _parts(matrix)])

    def with_probabilities(self, matrix: Matrix) -> tuple[Values, Values]:
        """Predict every row, and tell each class's probability, in one run of the graph."""
        matrix = matrix.astype(np.float32, copy=False)
        found = [self._run(self._both, {self._input: part}, None) for part in _parts(matrix)]
        return np.concatenate([_shared(values) for values, _ in found]), np.concatenate([p for _, p in found])


def _parts(matrix: Matrix) -> list[Matrix]:
    return [matrix[at : at + _ROWS_A_CALL] for at in range(0, len(matrix), _ROWS_A_CALL)]


def _shared(values: Values) -> Values:
    """Let labels that are equal be one string: ONNX Runtime makes one for every row."""
    if values.dtype != object:
        return values
    return np.array(list(map(sys.intern, values.ravel().tolist())), dtype=object)


class SklearnEngine:
    """scikit-learn itself, read from skops: for models that do not convert to ONNX."""

    single_precision = False
    calls_are_expensive = True

    def __init__(self, file: Path, signature: Mapping[str, Any], trusted: Sequence[str]) -> None:
        self._estimator = self._read(file, trusted)
        self._columns: list[str] | None = None
        if hasattr(self._estimator, "feature_names_in_"):
            self._columns = [feature["name"] for feature in signature["features"]]

    def predict(self, matrix: Matrix) -> Values:
        """Predict every row, as a table with column names where the estimator was fitted on one."""
        return self._ask(self._estimator.predict, matrix)

    def with_probabilities(self, matrix: Matrix) -> tuple[Values, Values]:
        """Predict every row, and ask predict_proba."""
        return self.predict(matrix), self._ask(self._estimator.predict_proba, matrix)

    def _ask(self, method: Callable[[Any], Any], matrix: Matrix) -> Values:
        if (np.abs(matrix) > SINGLE_MAX).any():
            # What the description of every door says: trees compute with 32-bit floats, and would round it.
            raise _too_large()
        rows: Any = matrix
        if self._columns is not None:
            import pandas

            rows = pandas.DataFrame(matrix, columns=self._columns)
        try:
            return np.asarray(method(rows))
        except ValueError as error:
            # Every number is finite, so a step of the pipeline or the trees' 32-bit floats made it too large
            # or NaN. Where a value is missing, NaN is what came: a model that fails then is to blame itself.
            too_large = "value too large for dtype" in str(error)
            if not too_large and ("contains NaN" not in str(error) or np.isnan(matrix).any()):
                raise
            raise _too_large() from None

    def _read(self, file: Path, trusted: Sequence[str]) -> Any:
        import skops.io

        return skops.io.load(file, trusted=list(trusted))


def _too_large() -> RequestError:
    return RequestError(
        "too_large",
        "A number of this request is larger than the model can compute with.",
        hint="The features are far outside what the model was trained on.",
    )


class JoblibEngine(SklearnEngine):
    """scikit-learn itself, unpickled: for AWS's prebuilt image alone, which has the version that wrote it."""

    def _read(self, file: Path, _trusted: Sequence[str]) -> Any:
        import joblib

        return joblib.load(file)


class XgboostEngine:
    """XGBoost itself on one thread, from its own form: its numbers are training's, bit for bit."""

    single_precision = True
    calls_are_expensive = True

    def __init__(self, file: Path, signature: Mapping[str, Any], _trusted: Sequence[str]) -> None:
        import xgboost

        self._booster = xgboost.Booster({"nthread": 1})
        # As bytes: the built-in algorithm's file has no ending, by which XGBoost tells a file's form.
        self._booster.load_model(bytearray(file.read_bytes()))
        self._booster.set_param({"nthread": 1})
        # Trained with early stopping, a model counts the trees up to its best round.
        best = self._booster.attr("best_iteration")
        self._rounds = (0, 0) if best is None else (0, int(best) + 1)
        self._objective = json.loads(self._booster.save_config())["learner"]["objective"]["name"]
        classes = signature["prediction"].get("classes")
        self._classes = None if classes is None else np.array(classes)

    def predict(self, matrix: Matrix) -> Values:
        """Predict every row, from float32, and turn scores into classes as XGBClassifier does."""
        return self._values(self._scores(matrix))

    def with_probabilities(self, matrix: Matrix) -> tuple[Values, Values]:
        """Predict every row, and tell each class's probability, from the same scores."""
        scores = self._scores(matrix)
        return self._values(scores), _each_class(scores)

    def _values(self, scores: Values) -> Values:
        if self._classes is None:
            return scores
        if self._objective == "multi:softmax":
            codes = scores.astype(np.int64)
        else:
            codes = scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0.5).astype(np.int64)
        labels: Values = self._classes[codes]
        return labels

    def probabilities(self, matrix: Matrix) -> Values | None:
        """Return each class's probability, (rows, classes); None where the objective gives none."""
        if self._objective not in ("binary:logistic", "multi:softprob"):
            return None
        return _each_class(self._scores(matrix))

    def _scores(self, matrix: Matrix) -> Values:
        scores: Values = self._booster.inplace_predict(
            matrix.astype(np.float32, copy=False), iteration_range=self._rounds, validate_features=False
        )
        return scores


def _each_class(scores: Values) -> Values:
    """Of two classes XGBoost tells the second one's probability alone."""
    scores = scores.astype(np.float64)
    return scores if scores.ndim == 2 else np.column_stack([1 - scores, scores])


ENGINES: dict[str, Callable[[Path, Mapping[str, Any], Sequence[str]], Engine]] = {
    "onnx": OnnxEngine,
    "sklearn": SklearnEngine,
    "xgboost": XgboostEngine,
}


def load_engine(model_dir: Path, manifest: Mapping[str, Any]) -> Engine:
    """Load the engine that the manifest names: `{"engine": {"name": …, "file": …, "trusted": […]}}`.

    Args:
        model_dir: the folder that holds the unpacked archive, its files verified.
        manifest: the verified manifest.
    """
    engine = manifest["engine"]
    kind = ENGINES[engine["name"]]
    return kind(model_dir / engine["file"], manifest["signature"], engine.get("trusted", ()))
