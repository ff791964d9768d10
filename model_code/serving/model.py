"""Loading a model that is what its manifest says, and predicting with it."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .engines import Engine, load_engine
from .errors import NotVerified, RequestError
from .media import Prediction
from .mixed_signature import read_signature
from .signature import Matrix, Signature

MANIFEST_SHA256 = "SLIPWAY_MANIFEST_SHA256"
_DECIMALS = 7


@dataclass(frozen=True)
class Model:
    """A loaded model and its signature.

    Args:
        engine: what computes.
        signature: what it takes and gives.
        classes: where it tells probabilities, the names of the classes in their order; else none.
    """

    engine: Engine
    signature: Signature
    classes: tuple[str, ...] = ()

    def predict(self, matrix: Matrix) -> list[Prediction]:
        """Predict every row.

        Args:
            matrix: of shape (rows, features), in the signature's order and type.

        Returns:
            One prediction for each row, as JSON has it: a string, an integer or a float.

        Raises:
            RequestError: numbers so extreme that the model's answer is none.
        """
        return self.as_predictions(self.engine.predict(matrix))

    @property
    def has_probabilities(self) -> bool:
        """Whether the packaged model tells probabilities, as training's own does."""
        return bool(self.classes)

    def with_probabilities(self, matrix: Matrix) -> tuple[list[Prediction], list[dict[str, float]]]:
        """Predict every row, and tell the probability of each class.

        Args:
            matrix: as for `predict`.

        Returns:
            The predictions, and for each row a probability by class, to 7 decimals: engines agree with
            training to within 1e-5.

        Raises:
            RequestError: numbers so extreme that the model's answer is none.
        """
        values, found = self.engine.with_probabilities(matrix)
        rows = np.round(found.astype(np.float64), _DECIMALS)
        finite = np.isfinite(rows).all(axis=1)
        if not finite.all():
            number = int(finite.argmin()) + 1
            raise RequestError(
                "no_finite_prediction",
                f"Row {number}: the model's answer is no finite number.",
                row=number,
                hint="The features are far outside what the model was trained on.",
            )
        listed = [dict(zip(self.classes, row, strict=True)) for row in rows.tolist()]
        return self.as_predictions(values), listed

    def as_predictions(self, values: npt.NDArray[Any]) -> list[Prediction]:
        """Turn the engine's values into predictions; see `predict`."""
        predictions = as_predictions(values, self.signature.kind)
        if self.signature.kind == "number":
            for number, value in enumerate(predictions, start=1):
                if not math.isfinite(value):  # type: ignore[arg-type]  # a float, by the signature's kind
                    raise RequestError(
                        "no_finite_prediction",
                        f"Row {number}: the model's answer is {value}, which is no finite number.",
                        row=number,
                        hint="The features are far outside what the model was trained on.",
                    )
        return predictions


def as_predictions(values: npt.NDArray[Any], kind: str) -> list[Prediction]:
    """Turn an engine's answers into JSON values of the signature's type.

    Raises:
        ValueError: the engine gave more than one value a row.
    """
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"The model gives values of shape {values.shape}; one value a row is served.")
    if kind == "string":
        return list(map(str, values.tolist()))
    return list(map(int if kind == "integer" else float, values.tolist()))


def load_model(model_dir: Path, expected_sha256: str | None = None, *, max_rows: int | None = None) -> Model:
    """Verify every file of the model, then load the engine that the manifest names.

    Args:
        model_dir: the folder that holds the unpacked archive.
        expected_sha256: of `code/manifest.json`; default: the environment variable that the stack sets.
        max_rows: how many rows one request may have.

    Raises:
        NotVerified: a file is missing or altered, or no manifest is expected.
    """
    return load_verified(model_dir, verified_manifest(model_dir, expected_sha256), max_rows=max_rows)


def load_verified(model_dir: Path, manifest: Mapping[str, Any], *, max_rows: int | None = None) -> Model:
    """Load the engine that a manifest names, whose files have been verified; see `load_model`."""
    engine = load_engine(model_dir, manifest)
    limits = {"single_precision": engine.single_precision, "max_rows": max_rows}
    told = manifest["engine"].get("probabilities", False)
    classes = tuple(map(str, manifest["signature"]["prediction"]["classes"])) if told else ()
    return Model(engine, read_signature(manifest, **limits), classes)


def verified_manifest(model_dir: Path, expected_sha256: str | None = None) -> Mapping[str, Any]:
    """Return the manifest once it and every file that it names have the sha256 that they should.

    Args:
        model_dir: the folder that holds the unpacked archive.
        expected_sha256: of the manifest; default: the environment variable that the stack sets.

    Raises:
        NotVerified: one has not.
    """
    expected_sha256 = expected_sha256 or os.environ.get(MANIFEST_SHA256, "")
    try:
        content = (model_dir / "code" / "manifest.json").read_bytes()
    except FileNotFoundError:
        raise NotVerified("code/manifest.json is missing from the model's archive.") from None
    actual = hashlib.sha256(content).hexdigest()
    if actual != expected_sha256:
        raise NotVerified(
            f"code/manifest.json has sha256 {actual[:12]}…, and {MANIFEST_SHA256} says "
            f"{expected_sha256[:12] or 'nothing'}. Train and deploy the model again."
        )
    manifest: Mapping[str, Any] = json.loads(content)
    for name, expected in manifest["files"].items():
        try:
            with (model_dir / name).open("rb") as file:
                actual = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise NotVerified(f"{name} is missing from the model's archive.") from None
        if actual != expected:
            raise NotVerified(f"{name} has sha256 {actual[:12]}…, and the manifest says {expected[:12]}….")
    return manifest
