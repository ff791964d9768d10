"""iris_forest's ask.py with deployed models: the rows held back, through the deployed door."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from training.artifact import load_artifact

SCRIPT = Path(__file__).parents[4] / "model_code" / "iris_forest" / "ask.py"


def ask(deployed, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, cwd=deployed.project.root, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("model", ["iris", "flats"])
def test_the_deployed_model_is_as_good_on_the_rows_held_back_as_its_training_says(deployed, model):
    manifest = json.loads((load_artifact(deployed.project.root, model).folder / "manifest.json").read_text())

    asked = ask(deployed, "--model", model)

    assert asked.returncode == 0, asked.stderr
    assert dict(re.findall(r"^(\w+) +(-?[\d.]+)$", asked.stdout, re.MULTILINE)) == {
        name: f"{value:.4f}" for name, value in manifest["metrics"].items()
    }
    assert len(re.findall(r"^\[.+\] -> .+, is ", asked.stdout, re.MULTILINE)) == 10


def test_a_model_that_is_not_there_is_named_without_a_traceback(deployed):
    asked = ask(deployed, "--model", "roses")

    assert asked.returncode == 1
    assert asked.stderr.startswith("roses on local: ")
    assert "Traceback" not in asked.stderr
