"""The SageMaker SDK is an option: nothing that synthesizes or serves imports it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.synth.harness import ROOT, make_project

LISTED = "import sys; print([name for name in sys.modules if name.split('.')[0] == 'sagemaker'])"
SYNTH = f"import runpy; runpy.run_path('app.py', run_name='__main__'); {LISTED}"


def test_a_synth_imports_nothing_of_it(tmp_path: Path) -> None:
    root = make_project(tmp_path / "project")
    (root / "app.py").write_bytes((ROOT / "app.py").read_bytes())

    ended = subprocess.run(
        [sys.executable, "-c", SYNTH],
        cwd=root, capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "CDK_OUTDIR": str(tmp_path / "out"), "CDK_VALIDATION": "false"},
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[]"
    assert (tmp_path / "out" / "slipway-local-iris.template.json").is_file()


@pytest.mark.parametrize(
    "module", ["model_code.serving.server.app", "model_code.serving.model", "slipway.main"]
)
def test_neither_a_server_nor_the_command_line_itself_imports_it(module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", f"import {module}; {LISTED}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.strip() == "[]"
