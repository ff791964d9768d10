"""Loading a model that is what its manifest says, and predicting with it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .errors import NotVerified
from .media import Prediction
from .signature import Matrix, Signature

MANIFEST_SHA256 = "SLIPWAY_MANIFEST_SHA256"


class Estimator(Protocol):
    """What scikit-learn calls a fitted estimator."""

    def predict(self, rows: Any) -> npt.NDArray[Any]:
        """Return one value for each row."""
        ...


@dataclass(frozen=True)
class Model:
    """A loaded model and its signature."""

    estimator: Estimator
    signature: Signature

    def predict(self, matrix: Matrix) -> list[Prediction]:
        """Predict every row.

        Args:
            matrix: float64 of shape (rows, features), in the signature's order.

        Returns:
            One prediction for each row, as JSON has it: a string, an integer or a float.
        """
        rows: Any = matrix
        if hasattr(self.estimator, "feature_names_in_"):
            # The training script fitted on a table with column names, and may choose columns by them.
            import pandas

            rows = pandas.DataFrame(matrix, columns=list(self.signature.features))
        return as_predictions(self.estimator.predict(rows), self.signature.kind)


def as_predictions(values: npt.NDArray[Any], kind: str) -> list[Prediction]:
    """Turn an estimator's answers into JSON values of the signature's type.

    Raises:
        ValueError: the estimator gave more than one value a row.
    """
    values = np.asarray(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"The model gives values of shape {values.shape}; one value a row is served.")
    if kind == "string":
        return [str(value) for value in values]
    if kind == "integer":
        return [int(value) for value in values]
    return [float(value) for value in values]


def load_model(model_dir: Path, expected_sha256: str | None = None) -> Model:
    """Verify every file of the model, then load it.

    Args:
        model_dir: the folder that holds the unpacked archive.
        expected_sha256: of `code/manifest.json`; default: the environment variable that the stack sets.

    Raises:
        NotVerified: a file is missing or altered, or no manifest is expected.
    """
    manifest = verified_manifest(model_dir, expected_sha256 or os.environ.get(MANIFEST_SHA256, ""))
    import joblib

    return Model(joblib.load(model_dir / "model.joblib"), Signature.from_manifest(manifest))


def verified_manifest(model_dir: Path, expected_sha256: str) -> Mapping[str, Any]:
    """Return the manifest once it and every file that it names have the sha256 that they should.

    Raises:
        NotVerified: one has not.
    """
    content = (model_dir / "code" / "manifest.json").read_bytes()
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
