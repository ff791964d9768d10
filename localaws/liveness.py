"""Processes by their number: does one live, what is it, end its group. Standard library only."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

STOP_TIMEOUT_S = 5.0


def alive(pid: int) -> bool:
    """Whether a process lives."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # a child of ours that ended stays "alive" until somebody waits for it
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def command(pid: int) -> str:
    """Return a process's command line; "" where there is no such process."""
    proc = Path("/proc")
    if (proc / "self").exists():  # Linux, also where no `ps` is installed
        with suppress(OSError):
            return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listed.stdout


def end_group(pid: int) -> None:
    """End the group that a process leads: politely, then not."""
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(pid, signum)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.02)
