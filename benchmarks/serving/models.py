"""The models that the servers serve: trained and packaged by Slipway, in a project of their own."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import joblib

from stacks.settings import ModelSettings, load_model
from training.data import load_dataset
from training.train import train

from .wires import CSV, Rows

ROOT = Path(__file__).resolve().parents[2]
BULK_BYTES = 5_000_000
_CHECKED_ROWS = 20
_TOML = """
[model]
task = "classification"
data = "sklearn:{data}"
label = "label"
hyperparameters = {{ {hyperparameters} }}
[gate]
accuracy = 0.85
"""
_SCRIPT = """
import argparse, os
from pathlib import Path
import joblib
import pandas as pd
{imports}
parser = argparse.ArgumentParser()
parser.add_argument("--n_estimators", type=int, default=100)
arguments = parser.parse_args()
table = pd.read_csv(Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv")
model = {model}
model.fit(table.drop(columns="label").to_numpy(), table["label"])
joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")
"""
_LINEAR = (
    "from sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import make_pipeline\n"
    "from sklearn.preprocessing import StandardScaler",
    "make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))",
)
_FOREST = (
    "from sklearn.ensemble import RandomForestClassifier",
    "RandomForestClassifier(n_estimators=arguments.n_estimators, random_state=0)",
)


@dataclass(frozen=True)
class Model:
    """A packaged model, the rows that are sent, and what scikit-learn itself says of them.

    Args:
        folder: the unpacked archive, with `model.joblib` for the peers.
        rows: real rows of the data set, of all classes.
        bulk: the data set over and over, 5 MB of CSV.
    """

    folder: Path
    version: str
    manifest_sha256: str
    engine: str
    rows: Rows
    expected: list[str]
    bulk: Rows
    bulk_expected: list[str]

    @property
    def joblib(self) -> Path:
        """The model as scikit-learn's users keep it."""
        return self.folder / "model.joblib"


def make_models(root: Path) -> dict[str, Model]:
    """Train and package: `lr` and `rf` on iris, `wide` on breast cancer, and `iris_forest`."""
    return {
        "lr": _make(root, "lr", "iris", _LINEAR),
        "rf": _make(root, "rf", "iris", _FOREST, "n_estimators = 100"),
        "wide": make_wide(root),
        "iris_forest": make_iris_forest(root),
    }


def make_wide(root: Path) -> Model:
    """Train and package a scaler with a logistic regression on the 30 columns of breast cancer."""
    return _make(root, "wide", "breast_cancer", _LINEAR, bulk=True)


def make_iris_forest(root: Path) -> Model:
    """Train and package the example model that Elastic Beanstalk serves, from its own folder."""
    _link_serving(root)
    shutil.copytree(ROOT / "model_code" / "iris_forest", root / "model_code" / "iris_forest")
    return _packaged(root, load_model(root, "iris_forest"))


def _link_serving(root: Path) -> None:
    serving = root / "model_code" / "serving"
    serving.parent.mkdir(parents=True, exist_ok=True)
    if not serving.exists():
        serving.symlink_to(ROOT / "model_code" / "serving")


def _make(
    root: Path,
    name: str,
    data: str,
    script: tuple[str, str],
    hyperparameters: str = "",
    *,
    bulk: bool = False,
) -> Model:
    _link_serving(root)
    folder = root / "model_code" / name
    folder.mkdir()
    (folder / "model.toml").write_text(_TOML.format(data=data, hyperparameters=hyperparameters))
    (folder / "train.py").write_text(_SCRIPT.format(imports=script[0], model=script[1]))
    return _packaged(root, load_model(root, name), bulk=bulk)


def _packaged(root: Path, settings: ModelSettings, *, bulk: bool = False) -> Model:
    artifact = train(root, settings)
    unpacked = root / "unpacked" / settings.name
    with tarfile.open(artifact.archive) as archive:
        archive.extractall(unpacked, filter="data")
    table = load_dataset(settings).features.to_numpy().tolist()
    step = len(table) // _CHECKED_ROWS
    rows = table[step // 2 :: step]
    many: Rows = []
    if bulk:
        many = table * (BULK_BYTES // len(CSV.write(table)) + 1)
        while len(CSV.write(many)) > BULK_BYTES:
            many = many[: -max(1, len(table) // 20)]
    # The bytes that this run's own training wrote a moment ago.
    estimator = joblib.load(unpacked / "model.joblib")
    return Model(
        folder=unpacked,
        version=artifact.version,
        manifest_sha256=artifact.manifest_sha256,
        engine=artifact.manifest.get("engine", {}).get("name", ""),
        rows=rows,
        expected=list(map(str, estimator.predict(rows))),
        bulk=many,
        bulk_expected=list(map(str, estimator.predict(many))) if many else [],
    )


def python_version() -> str:
    """Return the version of the Python that runs this, which every environment shares where it can."""
    return ".".join(map(str, sys.version_info[:3]))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))
