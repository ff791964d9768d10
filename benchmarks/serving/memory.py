"""Memory of a server's processes, from /proc (Linux)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_MB = 1_000_000


@dataclass(frozen=True)
class Memory:
    """Megabytes. A worker is one of the two processes of the server that hold the most.

    PSS counts a page that n processes share as 1/n of a page in each; RSS counts it in full.
    """

    worker_pss: float
    worker_rss: float
    all_pss: float


def tree(roots: Iterable[int]) -> list[int]:
    """Return the processes and all below them."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid for pid in roots if (_PROC / str(pid)).exists()]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def read(pids: Iterable[int]) -> Memory:
    """Return what a server holds now."""
    rollups = [_fields(pid, "smaps_rollup") for pid in pids]
    rollups.sort(key=lambda fields: -fields.get("Pss", 0.0))
    workers = rollups[:2]
    return Memory(
        worker_pss=sum(fields["Pss"] for fields in workers) / len(workers),
        worker_rss=sum(fields["Rss"] for fields in workers) / len(workers),
        all_pss=sum(fields.get("Pss", 0.0) for fields in rollups),
    )


class Peak:
    """How far the one process of a server that grows the most grows above what it holds now, in bytes."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._before = {pid: _fields(pid, "status")["VmRSS"] for pid in pids}
        for pid in self._before:
            (_PROC / str(pid) / "clear_refs").write_text("5")  # the peak is what it holds now

    def bytes(self) -> float:
        """Return the highest resident memory since, less what the process held before.

        Not the sum: requests that come one after the other never fill two workers at once.
        """
        return _MB * max(_fields(pid, "status")["VmHWM"] - before for pid, before in self._before.items())


def _fields(pid: int, name: str) -> dict[str, float]:
    """Return the lines `Name:  123 kB` of a file in megabytes."""
    fields = {}
    with suppress(OSError):
        for line in (_PROC / str(pid) / name).read_text().splitlines():
            words = line.split()
            if len(words) == 3 and words[2] == "kB":
                fields[words[0].rstrip(":")] = int(words[1]) * 1024 / _MB
    return fields
