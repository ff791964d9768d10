"""An artifact from a model that was trained elsewhere, measured and packaged as training's own are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.errors import ImportRefused
from stacks.settings import ModelSettings

from .agreement import Answers
from .artifact import Artifact
from .data import Dataset
from .engines import Packaged, package_onnx, packages_of
from .fit import Progress
from .fitted import Estimator, Fitted
from .foreign import OTHER_DATA, read_foreign, skops_of_pickle
from .foreign_onnx import ForeignOnnx, read_onnx
from .packaging import package_model, rows_to_agree_on
from .signature import signature_of
from .skops_form import foreign_packages, types_needed, unsafe_types
from .split import Split
from .train import load_parts

NAMES_SHOWN = 8


def import_model(
    root: Path,
    settings: ModelSettings,
    path: Path,
    *,
    trust: bool = False,
    progress: Progress = lambda _line: None,
) -> Artifact:
    """Write an artifact from a file.

    Args:
        root: the project's folder.
        settings: the model's; its data and label say what the model takes and gives.
        path: an .onnx or .skops file, or with `trust` a .joblib or .pkl.
        trust: load a pickle, in a process of its own.
        progress: is given each step.

    Raises:
        ImportRefused, DataInvalid, GateFailed, NoEngine: nothing is written, the artifact before stays.
    """
    form, content = read_foreign(path, trust=trust)
    dataset, parts = load_parts(settings, progress)
    signature = signature_of(settings, dataset)
    # Not the file's hash: the same model exported again is another file, with another time in it.
    origin = {"file": path.name, "form": form}
    model: Fitted
    if form == "onnx":
        values, model, origin["producer"] = _from_onnx(content, path.name, dataset, parts, signature)
    else:
        values, model = _from_estimator(form, content, path.name, settings, dataset, parts, signature)
    artifact = package_model(
        root, settings, dataset, parts, signature, model, values, more={"origin": origin}, progress=progress
    )
    progress(f"measured on {len(parts.test)} test rows; only who trained the model knows whether it saw them")
    return artifact


class _Graph:
    """An ONNX model from elsewhere, as training sees a model."""

    files: Mapping[str, bytes] = {}

    def __init__(self, model: ForeignOnnx) -> None:
        self._model = model

    def predict(self, features: pd.DataFrame) -> npt.NDArray[Any]:
        return self._model.answers(features.to_numpy())

    def scores(self, _features: pd.DataFrame) -> None:
        return None  # what its other outputs are, only who exported it knows

    def package(self, signature: Mapping[str, Any], answers: Answers) -> Packaged:
        classes = signature["prediction"].get("classes", ())
        model = self._model
        return package_onnx(model.fitted, lambda: model.with_probabilities(classes), signature, answers)


def _from_onnx(
    content: bytes, name: str, dataset: Dataset, parts: Split, signature: dict[str, Any]
) -> tuple[npt.NDArray[Any], _Graph, str]:
    kind = signature["prediction"]["type"]
    model = read_onnx(content, name, width=dataset.features.shape[1], kind=kind)
    rows = dataset.features.iloc[rows_to_agree_on(parts)].to_numpy()
    values = _checked(name, model.answers(rows), len(rows), signature)
    return values[: len(parts.test)], _Graph(model), model.producer


def _from_estimator(
    form: str,
    content: bytes,
    name: str,
    settings: ModelSettings,
    dataset: Dataset,
    parts: Split,
    signature: dict[str, Any],
) -> tuple[npt.NDArray[Any], Estimator]:
    packages = packages_of(settings.folder / "requirements.txt")
    data = skops_of_pickle(content, name) if form == "joblib" else content
    estimator = _load_skops(data, name, trusted_pickle=form == "joblib", packages=packages)
    width = getattr(estimator, "n_features_in_", dataset.features.shape[1])
    if width != dataset.features.shape[1]:
        raise ImportRefused(
            f"{name} takes rows of another width: {width} features.",
            why=f"The model folder has {dataset.features.shape[1]}.",
            fix=OTHER_DATA,
        )
    _check_names(estimator, name, dataset)
    files = {"model.joblib": content} if form == "joblib" else {}
    model = Estimator(estimator, packages=packages, files=files)
    try:
        raw = model.predict(dataset.features.iloc[parts.test])
    except Exception as error:  # a foreign estimator raises whatever it likes
        raise ImportRefused(
            f"{name} cannot predict the test rows.",
            why=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}",
            fix=OTHER_DATA,
        ) from None
    return _checked(name, raw, len(parts.test), signature), model


def _load_skops(content: bytes, name: str, *, trusted_pickle: bool, packages: frozenset[str]) -> Any:
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning

    fix = "Export the model again with this scikit-learn's skops, or as ONNX (skl2onnx.to_onnx)."
    try:
        types = types_needed(content)
        known = packages | {"xgboost"}
        refused = foreign_packages(types, known) if trusted_pickle else unsafe_types(types)
        if refused:
            raise ImportRefused(
                f"{name} holds types that are not scikit-learn's: {', '.join(refused)}.",
                why="Building them runs code that came with the file or that no container has.",
                fix="Build the model from scikit-learn's own parts, or export it as ONNX.",
            )
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=InconsistentVersionWarning)
            estimator = skops.io.loads(content, trusted=types)
    except InconsistentVersionWarning as warning:
        raise ImportRefused(
            f"{name} was written by scikit-learn {warning.original_sklearn_version}.",
            why=f"This is {warning.current_sklearn_version}: the model's answers could be other ones.",
            fix="Export it as ONNX, which has no such tie, or train it with this version.",
        ) from None
    except ImportRefused:
        raise
    except Exception as error:  # a crafted or broken file fails anywhere
        why = " ".join(str(error).split())[:300]
        raise ImportRefused(f"{name} cannot be read as skops.", why=why, fix=fix) from None
    if not hasattr(estimator, "predict"):
        raise ImportRefused(f"{name} holds {type(estimator).__name__!r}, which predicts nothing.", fix=fix)
    return estimator


def _check_names(estimator: Any, name: str, dataset: Dataset) -> None:
    """A model that was fitted on column names gets its columns in the order that it learnt."""
    learnt = getattr(estimator, "feature_names_in_", None)
    ours = list(dataset.features.columns)
    if learnt is not None and list(learnt) != ours:
        raise ImportRefused(
            f"{name} was trained on other columns: {_few(learnt)}.",
            why=f"The model folder has {_few(ours)}.",
            fix="Set [model] features in model.toml to the columns of the model, in its order.",
        )


def _checked(name: str, values: npt.NDArray[Any], rows: int, signature: dict[str, Any]) -> npt.NDArray[Any]:
    """Refuse answers that are no labels of this model folder, or no numbers."""
    kind, classes = signature["prediction"]["type"], signature["prediction"].get("classes", [])
    flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if flat.shape != (rows,):
        raise ImportRefused(
            f"{name} answers {rows} rows with values of shape {values.shape}.",
            why="One value a row is served.",
            fix="Put the prediction, not the probabilities, first among its outputs.",
        )
    if kind == "number":
        if flat.dtype.kind in "fiu" and np.isfinite(flat).all():
            return flat
        raise ImportRefused(
            f"{name} answers with {'infinity or NaN' if flat.dtype.kind == 'f' else flat.dtype.name}.",
            why="The label is a number.",
            fix="Look at the model, or set task in model.toml.",
        )
    unknown = sorted(set(flat.tolist()) - set(classes), key=str)
    if unknown:
        raise ImportRefused(
            f"{name} answers {_few(unknown)}, and no row of the data has such a label.",
            why=f"The labels are {_few(classes)}.",
            fix="Set label, or label_codes, in model.toml so that they are those that it was trained on.",
        )
    return flat


def _few(things: Sequence[Any]) -> str:
    shown = [repr(thing) for thing in list(things)[:NAMES_SHOWN]]
    return ", ".join(shown) + (" and more" if len(things) > NAMES_SHOWN else "")
