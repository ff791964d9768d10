"""Programs that we start: their output is told as it comes, and they end with us."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

STOP_S = 5.0


def run_told(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    tell: Callable[[str], None],
) -> tuple[int, list[str]]:
    """Run a program in a process group of its own and give each of its lines to `tell`.

    Whatever ends this call early (Ctrl-C, an error) ends the program and its children too.

    Returns:
        The exit code, and every line that the program printed.
    """
    lines: list[str] = []
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                tell(lines[-1])
            return process.wait(), lines
        except BaseException:
            end_group(process)
            raise


def end_group(process: subprocess.Popen[str]) -> None:
    """End a program that leads a process group, and the group: politely, then not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
            return
