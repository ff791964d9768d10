"""Model folders as SageMaker unpacks them, made in a moment and removed at the end of the run."""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.signature import as_request_rows

COLORS = ("blue", "red", 'sky, "light"|er')
NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


@dataclass(frozen=True)
class ModelFolder:
    """A model on disk, and what its manifest's sha256 is."""

    path: Path
    sha256: str

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.path / "code" / "manifest.json").read_bytes())

    def copy(self, path: Path) -> ModelFolder:
        """A copy, to be damaged."""
        return ModelFolder(Path(shutil.copytree(self.path, path)), self.sha256)

    def signed(self, **changes: Any) -> ModelFolder:
        """The same folder with another manifest that is in order: every file's sha256 as it is now."""
        manifest = {**self.manifest, **changes}
        manifest["files"] = {name: sha256(self.path / name) for name in manifest["files"]}
        return ModelFolder(self.path, write_manifest(self.path, manifest))


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_manifest(folder: Path, manifest: dict[str, Any]) -> str:
    content = json.dumps(manifest).encode()
    (folder / "code" / "manifest.json").write_bytes(content)
    return hashlib.sha256(content).hexdigest()


@functools.cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="slipway-models-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@functools.cache
def model(kind: str) -> ModelFolder:
    """Return a model of iris, the same one all along: do not change it.

    Args:
        kind: `logistic` and `regression` run on ONNX Runtime, the second with ids and numbers as answers;
            `forest` on scikit-learn, where requests share calls; `mixed` on ONNX Runtime, with a length
            that may be missing, a color and an id.
    """
    return make_model(_root() / kind, kind)


def with_hooks(folder: Path, code: str) -> ModelFolder:
    """Return a copy of the logistic model with an inference.py of its own."""
    found = model("logistic").copy(folder)
    (folder / "code" / "inference.py").write_text(code)
    return found.signed(hooks=True, files={**found.manifest["files"], "code/inference.py": ""})


def make_model(folder: Path, kind: str) -> ModelFolder:
    iris = load_iris()
    rows, classes = iris.data, iris.target_names[iris.target]
    prediction: dict[str, Any] = {"name": "species", "type": "string", "classes": iris.target_names.tolist()}
    features: list[dict[str, Any]] = [
        {"name": name, "minimum": 0.1, "maximum": 9.0, "unit": "cm"} for name in NAMES
    ]
    if kind == "logistic":
        estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, classes)
    elif kind == "mixed":
        rows = rows.copy()
        rows[::3, 0] = np.nan
        rows[:, 1] = np.arange(len(rows)) % len(COLORS)
        features[0]["missing"] = 50
        features[1] = {"name": NAMES[1], "type": "category", "categories": list(COLORS), "missing": 1}
        estimator = make_pipeline(SimpleImputer(), LogisticRegression()).fit(rows, classes)
    elif kind == "regression":
        estimator = LinearRegression().fit(rows, 10.0 * iris.target)
        prediction = {"name": "price", "type": "number"}
    else:
        estimator = RandomForestClassifier(20, random_state=0).fit(rows, classes)
    (folder / "code").mkdir(parents=True)
    if kind == "forest":
        engine: dict[str, Any] = {
            "name": "sklearn",
            "file": "model.skops",
            "trusted": ["sklearn.tree._tree.Tree"],
        }
        content = skops.io.dumps(estimator)
    else:
        engine = {"name": "onnx", "file": "model.onnx"}
        options = {"zipmap": False} if kind != "regression" else None
        content = to_onnx(estimator, rows[:1].astype(np.float32), options=options).SerializeToString()
    (folder / engine["file"]).write_bytes(content)
    golden = rows[::8]
    if prediction["type"] != "number":
        engine["probabilities"] = kind != "mixed"
        engine["no_probabilities"] = "the test says so" if kind == "mixed" else ""
    answers = estimator.predict(golden)
    manifest = {
        "model": "iris",
        "engine": engine,
        "hooks": False,
        "signature": {
            "features": features,
            "id_column": kind in ("regression", "mixed"),
            "prediction": prediction,
        },
        "golden": {
            "rows": as_request_rows(golden, {"features": features}),
            "predictions": [float(a) if prediction["type"] == "number" else str(a) for a in answers],
        },
        "files": {engine["file"]: hashlib.sha256(content).hexdigest()},
    }
    return ModelFolder(folder, write_manifest(folder, manifest))
