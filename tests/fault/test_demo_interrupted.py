"""Ctrl-C, at any step of the demo, leaves no process, no port and no folder behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localaws.control import LocalAws
from tests.local.stacks.conftest import make_project

MOMENTS = (
    ("train iris", signal.SIGINT),
    ("start an embedded AWS", signal.SIGINT),
    ("CDKToolkit", signal.SIGINT),
    ("Endpoint", signal.SIGINT),  # CloudFormation's events of the deploy
    ("Endpoint", signal.SIGTERM),
    ("replay the golden rows", signal.SIGINT),
    ("cdk destroy", signal.SIGINT),
)


def processes_of(root: Path) -> list[str]:
    """Return the command lines that name a folder."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in listed.splitlines() if str(root) in line and "pytest" not in line]


@pytest.mark.parametrize(("step", "number"), MOMENTS)
def test_an_interrupted_demo_leaves_nothing_running(tmp_path, step, number):
    project = make_project(tmp_path)
    demo = subprocess.Popen(
        [sys.executable, "-m", "slipway.main", "demo"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    told = []
    for line in demo.stdout:
        told.append(line)
        if re.search(re.escape(step), line):
            break
    time.sleep(0.2)

    os.killpg(demo.pid, number)  # as a terminal does: to the whole foreground group
    told += demo.communicate(timeout=60)[0].splitlines()

    assert demo.returncode == 130, "".join(told)
    assert "Interrupted" in "".join(told)
    local = LocalAws(project.root, "demo")
    assert local.server() is None
    assert processes_of(tmp_path) == []
    assert not local.state.tmp.exists()
    assert not local.state.fleets.exists()
