"""A project of one's own with an embedded AWS of its own, driven through the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3

from localaws.control import LocalAws, client_variables
from tests.local.conftest import ROOT, free_port, state_root

# A script that takes as long as it is told, and breaks where it is told to.
SLOW_TRAIN = """
import argparse, os, time
from pathlib import Path
import joblib, pandas as pd
from sklearn.linear_model import LogisticRegression
parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float, default=0)
parser.add_argument("--broken", default="")
arguments = parser.parse_args()
table = pd.read_csv(Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv")
print("read", len(table), "rows", flush=True)
time.sleep(arguments.seconds)
if arguments.broken:
    raise ValueError(arguments.broken)
model = LogisticRegression(max_iter=1000).fit(table.drop(columns="species").to_numpy(), table["species"])
joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")
"""
SLOW = """
[model]
task = "classification"
data = "sklearn:iris"
label = "species"
[gate]
accuracy = 0.8
"""


class OwnProject:
    """A project with the examples iris and diabetes, and `slow`.

    Args:
        folder: is made.
    """

    def __init__(self, folder: Path) -> None:
        self.root = state_root(folder)
        self.port = free_port()
        for name in ("app.py", "cdk.json", "stages.toml"):
            shutil.copy(ROOT / name, self.root)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in ("serving", "iris", "diabetes"):
            shutil.copytree(ROOT / "model_code" / name, self.root / "model_code" / name, ignore=ignored)
        slow = self.root / "model_code" / "slow"
        slow.mkdir()
        (slow / "train.py").write_text(SLOW_TRAIN)
        (slow / "model.toml").write_text(SLOW)

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `slipway`, and expect an exit code."""
        ended = subprocess.run(
            self.command(*arguments), cwd=self.root, env=self.environment(), capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert ended.returncode == code, ended.stderr
        return ended

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `slipway` and leave it running."""
        return subprocess.Popen(
            self.command(*arguments), cwd=self.root, env=self.environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def train(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `slipway train … --on sagemaker` on this machine."""
        return self.run("train", *arguments, "--on", "sagemaker", "--port", str(self.port), code=code)

    def deploy(self, *models: str) -> None:
        """Train models here and deploy them on this machine."""
        self.run("train", *models)
        self.run("deploy", *models, "--port", str(self.port))

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "slipway.main", *arguments]

    def environment(self) -> dict[str, str]:
        """Ours, with addresses that nobody listens at: nothing may obey them."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **kept,
            "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
            "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:1",
        }

    def manifest(self, model: str) -> dict[str, Any]:
        home = self.root / "artifacts" / model
        version = (home / "latest").read_text().strip()
        found: dict[str, Any] = json.loads((home / version / "manifest.json").read_text())
        return {**found, "version": version}

    def jobs(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run("jobs", *arguments, "--json").stdout)
        return found

    def session(self) -> boto3.Session:
        """A session as a person has who ran `eval "$(slipway env)"`; it takes the variables of the caller."""
        variables = self.variables()
        return boto3.Session(
            variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_REGION"],
        )  # fmt: skip

    def variables(self) -> dict[str, str]:
        server = LocalAws(self.root).server()
        assert server is not None
        return client_variables(server)

    def client(self, service: str) -> Any:
        return self.session().client(service, endpoint_url=self.variables()["AWS_ENDPOINT_URL"])

    def remove(self) -> None:
        LocalAws(self.root).stop()
