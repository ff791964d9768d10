"""How much memory a process and what it started take, seen from outside."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_KB = 1024
CHEAP = sys.platform == "linux"  # elsewhere a look is a process of its own
INTERVAL_S = 0.05 if CHEAP else 0.5


def peaks_mb(groups: list[int]) -> dict[int, float]:
    """Return MB of each process group that `guard.py` leads, without the guard itself.

    On Linux the highest that each process ever had, so that nothing between two looks is missed; elsewhere
    what they have now.
    """
    if CHEAP:
        return {group: _linux(group) for group in groups}
    return _listed(groups)


def _linux(guard: int) -> float:
    total, waiting = 0.0, _children(guard)
    while waiting:
        pid = waiting.pop()
        waiting += _children(pid)
        with suppress(OSError, ValueError, IndexError):
            text = (_PROC / str(pid) / "status").read_text()
            total += int(text.partition("VmHWM:")[2].split(None, 1)[0])
    return total / _KB


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in (_PROC / f"{pid}/task/{pid}/children").read_text().split()]
    return []


def _listed(groups: list[int]) -> dict[int, float]:
    found = dict.fromkeys(groups, 0.0)
    with suppress(OSError, subprocess.SubprocessError):
        told = subprocess.run(
            ["ps", "-axo", "pid=,pgid=,rss="], capture_output=True, text=True, timeout=5, check=True
        ).stdout
        for line in told.splitlines():
            pid, group, size = (int(word) for word in line.split())
            if group in found and pid != group:
                found[group] += size / _KB
    return found
