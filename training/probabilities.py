"""Whether a packaged model tells each class's probability as training's own does."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from model_code.serving.engines import load_engine

from .agreement import Answers, compare
from .onnx_graph import NoProbabilities

if TYPE_CHECKING:
    from .engines import Packaged

# Five decimals: engines that compute with float32 stay below unless scores are large.
TOLERANCE = 1e-5
# What rounding leaves of a sum of one, in a graph from elsewhere.
_SUM_TOLERANCE = 1e-3
NO_CLASSES = "it predicts numbers"
NONE_IN_TRAINING = "the model has none"
Values = npt.NDArray[Any]


def with_probabilities(
    packaged: Packaged,
    signature: Mapping[str, Any],
    answers: Answers,
    content: Callable[[], bytes] | None = None,
    *,
    foreign: bool = False,
) -> Packaged:
    """Return a packaged model that tells probabilities, or why it tells none.

    Args:
        packaged: a model whose predictions agree.
        signature: the manifest's.
        answers: what training answers, its probabilities among it.
        content: makes the model's bytes with probabilities in them, where they are not in them already;
            raises NoProbabilities.
        foreign: the graph came from elsewhere: then they have to be probabilities of the classes that it
            predicts, since there is nothing to compare them with.
    """
    if "classes" not in signature["prediction"]:
        return dataclasses.replace(packaged, no_probabilities=NO_CLASSES)
    if answers.probabilities is None and not foreign:
        return dataclasses.replace(packaged, no_probabilities=NONE_IN_TRAINING)
    try:
        telling = packaged if content is None else dataclasses.replace(packaged, content=content())
        values, found = _told(telling, signature, answers)
        _check(values, found, signature["prediction"]["classes"], answers)
    except NoProbabilities as error:
        return dataclasses.replace(packaged, no_probabilities=str(error))
    except Exception as error:  # ONNX Runtime has exceptions of its own for each of its error codes
        why = " ".join(str(error).split())[:200]
        return dataclasses.replace(packaged, no_probabilities=f"the engine does not tell them: {why}")
    return dataclasses.replace(telling, probabilities=True, no_probabilities="")


def _told(packaged: Packaged, signature: Mapping[str, Any], answers: Answers) -> tuple[Values, Values]:
    with tempfile.TemporaryDirectory(prefix="slipway-engine-") as folder:
        (Path(folder) / packaged.file).write_bytes(packaged.content)
        engine = load_engine(Path(folder), {"engine": packaged.entry, "signature": signature})
        values, found = engine.with_probabilities(answers.matrix)
        if not compare(engine.predict(answers.matrix), answers).holds:
            raise NoProbabilities("with them it would predict otherwise")
    return values, np.asarray(found, dtype=np.float64)


def _check(values: Values, found: Values, classes: list[Any], answers: Answers) -> None:
    wanted = (len(answers.matrix), len(classes))
    if found.shape != wanted:
        raise NoProbabilities(f"the engine tells {found.shape[1:]} numbers a row, of {len(classes)} classes")
    if not compare(values, answers).holds:
        raise NoProbabilities("with them it would predict otherwise")
    if answers.probabilities is None:
        _check_meaning(values, found, classes)
        return
    if answers.probabilities.shape != wanted:
        raise NoProbabilities(f"the model tells those of {answers.probabilities.shape[1]} classes alone")
    difference = np.abs(found - answers.probabilities)
    worst = float(np.where(np.isnan(difference), np.inf, difference).max())
    if worst > TOLERANCE:
        raise NoProbabilities(
            f"the engine's differ from training's by up to {worst:.1g} ({TOLERANCE:.0e} is allowed)"
        )


def _check_meaning(values: Values, found: Values, classes: list[Any]) -> None:
    proper = np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1 + _SUM_TOLERANCE
    if not proper or np.abs(found.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
        raise NoProbabilities("what its graph tells of a row is not from 0 to 1 with a sum of 1")
    place = {label: number for number, label in enumerate(classes)}
    rows = np.arange(len(found))
    chosen = found[rows, [place[label] for label in np.asarray(values).ravel().tolist()]]
    if (chosen < found.max(axis=1)).any():
        raise NoProbabilities("the class that its graph predicts is not the one that it finds likeliest")
