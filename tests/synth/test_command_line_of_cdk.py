"""The real `cdk` on a copy of the project, with CDK's own validation on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.synth.harness import ROOT, read_templates
from tests.synth.test_determinism import _copy_with_code

CDK = ROOT / "node_modules" / ".bin" / "cdk"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = _copy_with_code(tmp_path / "project")
    shutil.copy(ROOT / "cdk.json", root)
    (root / ".venv").symlink_to(sys.prefix)
    return root


def _cdk(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("JSII_NODE", None)
    environment.pop("CDK_VALIDATION", None)
    return subprocess.run(
        [str(CDK), *arguments, "--no-notices", "--no-color"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_cdk_synth_of_prod_passes_cdk_s_own_rules(project: Path) -> None:
    done = _cdk(project, "synth", "--quiet", "-c", "stage=prod", "-c", "models=iris")
    assert done.returncode == 0, done.stderr
    assert "WARN" not in done.stdout + done.stderr
    assert "end-of-life" not in done.stderr  # jsii ran on the environment's own Node
    assert read_templates(project / "cdk.out").keys() == {"slipway-prod", "slipway-prod-iris"}


def test_a_finding_of_cdk_s_own_rules_ends_the_synth_without_a_traceback(project: Path) -> None:
    endpoint = project / "stacks" / "constructs" / "endpoint.py"
    source = endpoint.read_text(encoding="utf-8")
    assert "initial_variant_weight=variant.weight" in source
    endpoint.write_text(
        source.replace("initial_variant_weight=variant.weight", "initial_variant_weight=-variant.weight")
    )

    done = _cdk(project, "synth", "--quiet", "-c", "stage=dev")

    assert done.returncode != 0
    assert "InitialVariantWeight" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_ends_in_a_few_lines_with_code_cause_and_fix(project: Path) -> None:
    shutil.rmtree(project / "artifacts")
    done = _cdk(project, "synth", "--quiet", "-c", "stage=dev")
    assert done.returncode != 0
    told = done.stderr.splitlines()
    assert told[:3] == [
        "E-ARTIFACT-MISSING  iris has no artifact: artifacts/iris is empty.",
        "  why  A stack needs a trained model to deploy.",
        "  fix  Run: slipway train iris",
    ]
    assert "Traceback" not in done.stderr
    assert "jsii" not in done.stderr


def test_the_app_s_exit_code_is_the_error_s(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=project,
        env={**os.environ, "CDK_CONTEXT_JSON": '{"stage": "prd"}'},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("E-SETTINGS  Unknown stage 'prd'.\n")
