"""The ONNX form of a fitted estimator: one float32 input, its prediction as the first output."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from .onnx_converters import converters_for, opsets_for
from .onnx_graph import prediction_only

INPUT = "X"


class NotConvertible(Exception):
    """An estimator has no ONNX form; the message says why in one line."""


def to_onnx(estimator: Any, width: int) -> bytes:
    """Convert a fitted estimator to a graph that predicts and no more; the same one gives the same bytes.

    Raises:
        NotConvertible: skl2onnx cannot.
    """
    return only_predicting(convert(estimator, width))


def only_predicting(model: Any) -> bytes:
    """Return the bytes of a converted model that predicts and no more.

    Raises:
        NotConvertible: its graph is of a kind that cannot be cut.
    """
    try:
        return prediction_only(model)
    except ValueError as error:
        raise NotConvertible(_reason(error)) from error


def convert(estimator: Any, width: int) -> Any:
    """Convert a fitted estimator to an `onnx.ModelProto`.

    Args:
        estimator: anything of scikit-learn or XGBoost, pipelines included.
        width: how many features it takes.

    Raises:
        NotConvertible: skl2onnx cannot.
    """
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType

    twin = by_position(estimator)
    parts = list(_parts(twin, set()))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return skl2onnx.convert_sklearn(
                twin,
                name="model",  # its default is a random one
                initial_types=[(INPUT, FloatTensorType([None, width]))],
                custom_conversion_functions=converters_for(twin, parts),
                target_opset=opsets_for(parts),
            )
    except Exception as error:  # converters raise whatever they meet
        raise NotConvertible(_reason(error)) from error


def by_position(estimator: Any) -> Any:
    """Return a copy whose ColumnTransformers choose columns by number: ONNX rows have no names."""
    from sklearn.compose import ColumnTransformer

    twin = copy.deepcopy(estimator)
    for part in _parts(twin, set()):
        if isinstance(part, ColumnTransformer) and hasattr(part, "_transformer_to_input_indices"):
            positions = part._transformer_to_input_indices
            part.transformers_ = [(name, what, list(positions[name])) for name, what, _ in part.transformers_]
        if getattr(part, "flatten_transform", None) is True:
            part.flatten_transform = False  # shapes VotingClassifier.transform alone, and does not convert
    return twin


def _parts(thing: Any, seen: set[int]) -> Iterator[Any]:
    """Every estimator inside an estimator, itself included."""
    from sklearn.base import BaseEstimator

    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, BaseEstimator):
        yield thing
        thing = vars(thing)
    if isinstance(thing, dict):
        thing = list(thing.values())
    elif isinstance(thing, np.ndarray) and thing.dtype == object:
        thing = thing.ravel().tolist()
    if isinstance(thing, list | tuple):
        for item in thing:
            yield from _parts(item, seen)


def _reason(error: Exception) -> str:
    if match := re.search(r"calculator for type '<class '[\w.]*?(\w+)'>'", str(error)):
        return f"skl2onnx has no converter for {match[1]}"
    first = re.split(r"\n|\. |\.$", str(error).strip(), maxsplit=1)[0]
    return f"skl2onnx does not convert it: {first[:200]}"
