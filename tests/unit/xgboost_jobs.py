"""Training jobs of the built-in XGBoost on this machine: folders as SageMaker makes them, and real runs."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost as xgb

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = 4
HYPERPARAMETERS = {
    "objective": "reg:squarederror", "num_round": "30", "eta": "0.3", "max_depth": "4", "subsample": "0.8",
}  # fmt: skip


def table(rows: int, seed: int) -> np.ndarray:
    """Return `rows` rows: a label, and the columns that it comes from."""
    generator = np.random.default_rng(seed)
    data = generator.normal(size=(rows, COLUMNS))
    label = 3 * data[:, 0] + data[:, 1] ** 2 + generator.normal(scale=0.3, size=rows)
    return np.column_stack([label, data])


def csv(rows: np.ndarray) -> str:
    return "".join(",".join(f"{cell:.5f}" for cell in row) + "\n" for row in rows)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


TRAIN, VALIDATION = csv(table(200, 1)), csv(table(100, 2))


@dataclass(frozen=True)
class Folder:
    """What /opt/ml is for one host."""

    base: Path

    @property
    def model(self) -> Path:
        return self.base / "model" / "xgboost-model"

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()

    @property
    def message(self) -> str:
        """What the failure says after its traceback."""
        return self.failure.partition("\n\n")[2]

    def booster(self) -> xgb.Booster:
        booster = xgb.Booster()
        booster.load_model(bytearray(self.model.read_bytes()))
        return booster

    def start(self, **variables: str) -> "subprocess.Popen[str]":
        environment = {
            "PATH": os.environ["PATH"], "SAGEMAKER_BASE_DIR": str(self.base), "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1", **variables,
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "training.xgboost_algorithm"], env=environment, cwd=self.base, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, **variables: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(**variables)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def job(
    base: Path,
    hyperparameters: Mapping[str, str] = HYPERPARAMETERS,
    *,
    files: Mapping[str, str] | None = None,
    content_type: str | None = "text/csv",
    channels: Mapping[str, Mapping[str, str]] | None = None,
    hosts: Sequence[str] = ("algo-1",),
    host: str = "algo-1",
) -> Folder:
    """Make a job's folder; `files` are paths below input/data and their content."""
    given = {"train/train.csv": TRAIN, "validation/validation.csv": VALIDATION} if files is None else files
    config = base / "input" / "config"
    config.mkdir(parents=True)
    (base / "model").mkdir()
    if channels is None:
        of_each = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
        if content_type:
            of_each["ContentType"] = content_type
        channels = dict.fromkeys(sorted({path.partition("/")[0] for path in given}), of_each)
    for name in channels:
        (base / "input" / "data" / name).mkdir(parents=True)
    for path, content in given.items():
        file = base / "input" / "data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    resources = {"hosts": list(hosts), "current_host": host, "network_interface_name": "lo"}
    for file_name, content in (
        ("hyperparameters", hyperparameters), ("inputdataconfig", channels), ("resourceconfig", resources),
    ):  # fmt: skip
        (config / f"{file_name}.json").write_text(json.dumps(content))
    return Folder(base)
