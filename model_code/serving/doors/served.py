"""The model that a door serves, or why it serves none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NotVerified
from ..model import Model, load_verified, verified_manifest
from .log import say

if TYPE_CHECKING:
    from .hooks import Hooks

# A prediction may differ from the engine's in packaging by what another processor makes of the same model.
_RELATIVE_TOLERANCE = 1e-6
# 64 rows in all: as many as may share a call under load.
_COMPARED_ROWS, _COMPARED_TIMES = 8, 8


@dataclass(frozen=True)
class Served:
    """A model that is ready: verified, loaded, and right on a golden row."""

    model: Model
    manifest: Mapping[str, Any]
    hooks: Hooks | None
    rows_are_independent: bool
    """Whether a row's answer is the same to the last bit beside other rows: products of matrices may round
    otherwise for more of them. Only then may requests share a call."""


@dataclass(frozen=True)
class NotReady:
    """Why there is no model. It is final: the files of a container never change."""

    code: str
    message: str

    def body(self) -> dict[str, Any]:
        """Return the body of /ping and of every refused request."""
        return {"error": {"code": self.code, "message": self.message}}


def load(model_dir: Path, manifest_sha256: str, max_rows: int | None) -> Served | NotReady:
    """Verify and load the model and predict a golden row; what goes wrong is returned and printed.

    Args:
        model_dir: the unpacked archive.
        manifest_sha256: what code/manifest.json must be.
        max_rows: how many rows one request may have.
    """
    found = _load(model_dir, manifest_sha256, max_rows)
    if isinstance(found, NotReady):
        # One line in the log of the endpoint, where people look first.
        say(f"not ready: {found.code}: {found.message}")
    return found


def _load(model_dir: Path, manifest_sha256: str, max_rows: int | None) -> Served | NotReady:
    try:
        manifest = verified_manifest(model_dir, manifest_sha256)
        model = load_verified(model_dir, manifest, max_rows=max_rows)
        hooks = _hooks(model_dir, model, manifest) if manifest.get("hooks") else None
    except NotVerified as error:
        return NotReady("model_not_verified", str(error))
    except (Exception, SystemExit) as error:
        # Whatever a library raises: the reason must reach /ping, not kill the worker.
        return NotReady("model_not_loadable", _told(error))
    try:
        golden = manifest["golden"]
        answer = model.predict(model.signature.matrix(golden["rows"][:1]))[0]
        independent = _rows_are_independent(model, golden["rows"])
    except Exception as error:
        return NotReady("model_wrong_answer", f"A golden row fails: {_told(error)}")
    tolerance = manifest["engine"].get("agreement", {}).get("tolerance") or 0.0
    if not _same(answer, golden["predictions"][0], tolerance):
        return NotReady(
            "model_wrong_answer",
            f"A golden row gives {answer!r} here, and training gave {golden['predictions'][0]!r}.",
        )
    return Served(model, manifest, hooks, independent)


def _hooks(model_dir: Path, model: Model, manifest: Mapping[str, Any]) -> Hooks:
    from .hooks import load_hooks  # few models have some

    return load_hooks(model_dir, model, manifest)


def _rows_are_independent(model: Model, rows: list[list[Any]]) -> bool:
    matrix = model.signature.matrix(rows[:_COMPARED_ROWS])
    alone = [model.predict(matrix[row : row + 1])[0] for row in range(len(matrix))]
    return model.predict(np.tile(matrix, (_COMPARED_TIMES, 1))) == alone * _COMPARED_TIMES


def _told(error: BaseException) -> str:
    """Return what went wrong on one line, as logs have it."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:1000]


def _same(answer: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, float):
        # The tolerance is what the engine was chosen by, when it was compared with the model as trained.
        return math.isclose(answer, expected, rel_tol=_RELATIVE_TOLERANCE, abs_tol=tolerance)
    return bool(answer == expected)
