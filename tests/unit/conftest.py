"""A project of one's own, to change without changing this one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CSV_TRAIN = """
import argparse, os
from pathlib import Path
import joblib, pandas as pd
from sklearn.ensemble import RandomForestRegressor
parser = argparse.ArgumentParser()
parser.add_argument("--n_estimators", type=int)
arguments = parser.parse_args()
table = pd.read_csv(Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv")
model = RandomForestRegressor(n_estimators=arguments.n_estimators, random_state=0)
model.fit(table.drop(columns="price"), table["price"])
joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what training reads: stages.toml, the serving runtime and the iris folder."""
    shutil.copy(ROOT / "stages.toml", tmp_path)
    for name in ("serving", "iris"):
        shutil.copytree(
            ROOT / "model_code" / name,
            tmp_path / "model_code" / name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    return tmp_path


@pytest.fixture
def flats(project: Path) -> Path:
    """The same project with a model of a person's own: a CSV file and a forest fitted on column names."""
    folder = project / "model_code" / "flats"
    (folder / "data").mkdir(parents=True)
    rows = [f"{40 + n},{n % 4},{1000 + 37 * n}" for n in range(60)]
    (folder / "data" / "flats.csv").write_text("area,rooms,price\n" + "\n".join(rows) + "\n")
    (folder / "train.py").write_text(CSV_TRAIN)
    (folder / "model.toml").write_text(
        '[model]\ntask = "regression"\ndata = "data/flats.csv"\nlabel = "price"\n'
        "hyperparameters = { n_estimators = 5 }\n[gate]\nr2 = 0.5\nrmse = 500\n"
    )
    return project


@pytest.fixture
def irises(project: Path) -> Path:
    """The same project with a folder `irises` without train.py, for models from elsewhere."""
    folder = project / "model_code" / "irises"
    folder.mkdir()
    (folder / "model.toml").write_text(
        '[model]\ntask = "classification"\ndata = "sklearn:iris"\nlabel = "species"\n[gate]\naccuracy = 0.9\n'
    )
    return project
