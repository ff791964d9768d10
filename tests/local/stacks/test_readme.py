"""The README's commands do what it says, in its order."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_diabetes

from tests.local.stacks.conftest import make_project, project_with

pytestmark = pytest.mark.usefixtures("default_port")
ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language, containing):
    """Return the one code block of a language that contains a text."""
    found = [
        text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if containing in text
    ]
    assert len(found) == 1
    return found[0]


def run(script, folder, *, timeout_s=300, **variables):
    """Run lines of the README in a folder, without settings of AWS or Slipway, and return the end."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SLIPWAY_"))}
    activated = script.replace("source .venv/bin/activate", "")
    ended = subprocess.run(
        ["bash", "-ec", f"source {sys.prefix}/bin/activate\n{activated}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
        env={**kept, "HOME": str(folder), **variables},
    )
    assert ended.returncode == 0, ended.stderr
    return ended


def test_the_commands_and_the_client_of_the_readme_work(tmp_path):
    make_project(tmp_path)
    commands = block("sh", "slipway report iris")
    client = block("python", "Client.from_outputs").replace('stage="dev"', 'stage="local"')
    client = re.sub(r"^(client\.predict\(.*?\))", r"print(\1)", client, flags=re.MULTILINE)
    before, destroy = commands.split("slipway destroy")

    ended = run(
        f"{before}\npython - <<'CLIENT'\n{client}CLIENT\nslipway destroy{destroy}", tmp_path, timeout_s=180
    )

    lines = ended.stdout.splitlines()
    assert lines.count("virginica") == 1  # what the comment beside `slipway predict` says
    assert "['virginica']" in lines  # what the comment beside `client.predict` says
    assert "nothing left" in ended.stderr
    assert not (tmp_path / "outputs.json").exists()


def test_the_readmes_way_to_a_container_of_ours_works(tmp_path):
    project = project_with(tmp_path, "digits")
    script = block("sh", "slipway traffic").replace("/tmp/digits", str(tmp_path / "elsewhere"))

    # Without an engine: tests/container and test_digits.py build images.
    ended = run(script, tmp_path, timeout_s=400, SLIPWAY_ENGINE="none")

    assert "25.0%" in ended.stdout
    assert "weight = 25" in (project.root / "model_code" / "digits" / "model.toml").read_text()
    assert "nothing left" in ended.stderr


def test_the_readmes_way_through_sagemakers_jobs_works(tmp_path):
    project_with(tmp_path, "diabetes")
    rows = load_diabetes(as_frame=True).data.head(7)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    script = block("sh", "slipway batch").replace("make setup-sagemaker", "true")

    ended = run(script, tmp_path)

    assert len((tmp_path / "rows.predictions.csv").read_text().splitlines()) == len(rows)
    assert "report.html" in ended.stdout
    assert "nothing left" in ended.stderr


def test_the_readmes_way_behind_an_api_works(tmp_path):
    project_with(tmp_path, "wine")

    ended = run(block("sh", "slipway rollback"), tmp_path)

    assert "1" in ended.stdout.splitlines()  # what the comment beside `slipway predict` says
    assert "for a million requests" in ended.stderr
    assert "nothing left" in ended.stderr


def test_the_readmes_way_to_a_web_service_works(tmp_path):
    project_with(tmp_path, "iris_forest")

    # Without an engine: tests/container builds images.
    ended = run(block("sh", "--swap"), tmp_path, SLIPWAY_ENGINE="none")

    assert "0" in ended.stdout.splitlines()  # what the comment beside `slipway predict` says
    assert "Instance deployment completed successfully" in ended.stdout
    assert "USD a month on AWS, used or not" in ended.stderr
    assert "Completed swapping CNAMEs" in ended.stderr
    assert "nothing left" in ended.stderr


def test_the_readme_names_both_commands_and_what_aws_costs():
    assert {"make demo", "make test"} <= {
        line.partition("#")[0].strip() for line in block("sh", "make demo").split("\n")
    }
    assert "slipway destroy" in README.partition("**What it costs.**")[2]
