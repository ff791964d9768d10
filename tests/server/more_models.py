"""More model folders: integers as answers from one feature, and XGBoost's own engine."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.server.models import NAMES, ModelFolder, _root, write_manifest


@functools.cache
def codes() -> ModelFolder:
    """Wine by its alcohol, whose classes are 0, 1 and 2, on ONNX Runtime: do not change it."""
    import numpy as np
    from skl2onnx import to_onnx

    wine = load_wine()
    rows = wine.data[:, :1]
    estimator = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, wine.target)
    content = to_onnx(estimator, rows[:1].astype(np.float32), options={"zipmap": False}).SerializeToString()
    signature = {
        "features": [{"name": "alcohol", "minimum": 11.0, "maximum": 15.0}],
        "id_column": False,
        "prediction": {"name": "cultivar", "type": "integer", "classes": [0, 1, 2]},
    }
    golden = rows[::9]
    answers = [int(answer) for answer in estimator.predict(golden)]
    engine = {"name": "onnx", "file": "model.onnx", "probabilities": True}
    return _written("codes", "wine", engine, content, signature, golden.tolist(), answers)


@functools.cache
def boosted() -> ModelFolder:
    """Iris on XGBoost's engine: do not change it."""
    from xgboost import XGBClassifier

    iris = load_iris()
    estimator = XGBClassifier(n_estimators=5, max_depth=3, random_state=0).fit(iris.data, iris.target)
    signature = {
        "features": [{"name": name, "minimum": 0.1, "maximum": 9.0} for name in NAMES],
        "id_column": False,
        "prediction": {"name": "species", "type": "string", "classes": iris.target_names.tolist()},
    }
    golden = iris.data[::8]
    answers = [str(iris.target_names[code]) for code in estimator.predict(golden)]
    engine = {"name": "xgboost", "file": "model.ubj", "probabilities": True}
    content = bytes(estimator.get_booster().save_raw("ubj"))
    return _written("boosted", "iris", engine, content, signature, golden.tolist(), answers)


def _written(
    folder_name: str, model: str, engine: dict[str, Any], content: bytes, signature: dict[str, Any],
    rows: list[list[float]], answers: list[Any],
) -> ModelFolder:  # fmt: skip
    folder: Path = _root() / folder_name
    (folder / "code").mkdir(parents=True)
    (folder / engine["file"]).write_bytes(content)
    manifest = {
        "model": model,
        "engine": engine,
        "hooks": False,
        "signature": signature,
        "golden": {"rows": rows, "predictions": answers},
        "files": {engine["file"]: hashlib.sha256(content).hexdigest()},
    }
    return ModelFolder(folder, write_manifest(folder, manifest))
