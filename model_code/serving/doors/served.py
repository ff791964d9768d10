"""The model that a door serves, or why it serves none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import NotVerified
from ..model import Model, load_verified, verified_manifest

if TYPE_CHECKING:
    from .hooks import Hooks

# A prediction may differ from the engine's in packaging by what another processor makes of the same model.
_RELATIVE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Served:
    """A model that is ready: verified, loaded, and right on a golden row."""

    model: Model
    manifest: Mapping[str, Any]
    hooks: Hooks | None

    def same(self, answer: Any, golden: Any) -> bool:
        """Tell whether an answer is a golden row's prediction, within the tolerance of its engine."""
        if isinstance(golden, float):
            # The tolerance is what the engine was chosen by, when it was compared with the model as trained.
            tolerance = tolerance_of(self.manifest)
            return math.isclose(answer, golden, rel_tol=_RELATIVE_TOLERANCE, abs_tol=tolerance)
        return bool(answer == golden)


@dataclass(frozen=True)
class NotReady:
    """Why there is no model. Where it is beside the code it is final: those files never change."""

    code: str
    message: str

    def body(self) -> dict[str, Any]:
        """Return the body of /ping and of every refused request."""
        return {"error": {"code": self.code, "message": self.message}}


def load(model_dir: Path, manifest_sha256: str, max_rows: int | None) -> Served | NotReady:
    """Verify and load the model and predict a golden row; what goes wrong is returned.

    Args:
        model_dir: the unpacked archive.
        manifest_sha256: what code/manifest.json must be.
        max_rows: how many rows one request may have.
    """
    try:
        manifest = verified_manifest(model_dir, manifest_sha256)
        model = load_verified(model_dir, manifest, max_rows=max_rows)
        hooks = _hooks(model_dir, model, manifest) if manifest.get("hooks") else None
    except NotVerified as error:
        return NotReady("model_not_verified", str(error))
    except (Exception, SystemExit) as error:
        # Whatever a library raises: the reason must reach /ping, not kill the worker.
        return NotReady("model_not_loadable", told(error))
    served, golden = Served(model, manifest, hooks), manifest["golden"]
    try:
        answer = model.predict(model.signature.matrix(golden["rows"][:1]))[0]
    except Exception as error:
        return NotReady("model_wrong_answer", f"A golden row fails: {told(error)}")
    if not served.same(answer, golden["predictions"][0]):
        return NotReady(
            "model_wrong_answer",
            f"A golden row gives {answer!r} here, and training gave {golden['predictions'][0]!r}.",
        )
    return served


def tolerance_of(manifest: Mapping[str, Any]) -> float:
    """Return how far a number may be from what training gave for the same row."""
    return manifest["engine"].get("agreement", {}).get("tolerance") or 0.0


def _hooks(model_dir: Path, model: Model, manifest: Mapping[str, Any]) -> Hooks:
    from .hooks import load_hooks  # few models have some

    return load_hooks(model_dir, model, manifest)


def told(error: BaseException) -> str:
    """Return what went wrong on one line, as logs have it."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:1000]
