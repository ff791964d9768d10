"""`make` on a machine that is not as it should be."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.__main__ import ALONE, QUIET, TOGETHER, WAITS_MOST

ROOT = Path(__file__).parents[2]


def test_a_python_that_is_too_old_is_refused_with_the_way_out(tmp_path):
    for name in ("Makefile", "requirements-uv.txt"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "python3.10"
    # The real Python, taken for an older one.
    old.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c "
        '"import sys; sys.version_info = (3, 10, 4); exec(sys.argv[1])" "$2"\n'
    )
    old.chmod(0o755)

    ended = subprocess.run(
        ["make", f"PYTHON={old}", "demo"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ended.returncode != 0
    assert "Slipway needs Python 3.11 or newer, and this is 3.10" in ended.stderr
    assert "make PYTHON=python3.12 demo" in ended.stderr
    assert not (tmp_path / ".venv").exists()


def test_every_suite_is_a_part_of_make_test():
    files = [path.relative_to(ROOT) for path in ROOT.glob("tests/**/test_*.py")]

    assert files
    for file in files:
        alone = any(file.is_relative_to(suite) for suite in ALONE) and str(file) != WAITS_MOST
        together = any(file.is_relative_to(suite) for suite in TOGETHER)
        assert str(file) in QUIET or alone != together, file
    assert all((ROOT / file).is_file() for file in (*QUIET, WAITS_MOST))
