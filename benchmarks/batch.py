"""A batch of 1,000,000 rows through our server, AWS's scikit-learn stack, and a program without HTTP.

`python -m benchmarks.batch [DATE]`; BENCH_ROUNDS is how many rounds (3), BENCH_ROWS how many rows. Both
servers get their requests from the code that transform jobs of the embedded AWS use, from a plain file to a
plain file. DATE is written on the page as it is given.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import joblib

from benchmarks.batching.in_memory import WAYS, pandas_whole
from benchmarks.batching.page import Way, head, section
from benchmarks.batching.rows import COMPUTED, MEASURED, Rows
from benchmarks.serving.commands import WORKERS, Job
from benchmarks.serving.contestants import AWS, SLIPWAY, Contestant
from benchmarks.serving.models import ROOT, Model, make_wide
from benchmarks.serving.server import Server, fail_on_termination
from localaws.sagemaker.transform.file import Plan, transform
from localaws.sagemaker.transform.sender import Sender
from slipway.ports import free_port

PAGE = ROOT / "docs" / "benchmarks" / "batch.md"
ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
SLOW_SHARE = 5
LIMIT = 6 * 1024 * 1024
_QUIET_LOAD = 0.5
_HEADERS = {"Content-Type": "text/csv", "Accept": "text/csv"}
_Run = Callable[[Path, Path], None]


def main() -> int:
    """Measure, write the page, print it, and return whether the bounds are met on the measured rows."""
    rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
    fail_on_termination()
    if (load := os.getloadavg()[0]) > _QUIET_LOAD:
        print(f"the machine is busy (load {load:.1f}): the figures will not be worth much", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as servers:
        folder = Path(name)
        model = make_wide(folder)
        # The bytes that this run's own training wrote a moment ago.
        estimator = joblib.load(model.joblib)
        served = [_served(contestant, model, folder, servers) for contestant in (SLIPWAY, AWS)]
        found = [_measure(rows, served, estimator, folder, rounds) for rows in (MEASURED, COMPUTED)]
    text = head(" ".join(sys.argv[1:]), rounds, ROWS, ROWS // SLOW_SHARE) + "".join(part for part, _ in found)
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0 if found[0][1] else 1


def _measure(rows: Rows, served: list[_Run], estimator: Any, folder: Path, rounds: int) -> tuple[str, bool]:
    """Return the page's part on one kind of rows, and whether its bounds are met."""
    ours, aws = Way("Slipway's server", served[0]), Way("AWS's stack", served[1], SLOW_SHARE)
    ways = [ours, aws, *(Way(title, partial(run, estimator)) for title, run in WAYS.items())]
    files = {
        share: rows.write(folder / f"{rows.name}-{share}.csv", ROWS // share) for share in (1, SLOW_SHARE)
    }
    for share, source in files.items():
        pandas_whole(estimator, source, folder / "expected")
        expected = _digest(folder / "expected")
        for way in ways:
            if way.share == share:
                _timed(way, source, folder / "out")
                if _digest(folder / "out") != expected:
                    raise SystemExit(f"{way.title} answered other labels than scikit-learn")
    for number in range(rounds):
        for way in ways if number % 2 == 0 else reversed(ways):
            way.rates.append(_timed(way, files[way.share], folder / "out"))
        print(f"{rows.name}: round {number + 1} of {rounds}", file=sys.stderr)
    return section(rows.title, files[1].stat().st_size / 1e6, ways)


def _served(contestant: Contestant, model: Model, folder: Path, servers: ExitStack) -> _Run:
    """Start a server, which stays until the end, and return what sends a file through it."""
    scratch, port = folder / contestant.name, free_port()
    scratch.mkdir()
    job = Job(model, scratch, port)
    servers.enter_context(Server(contestant.commands(job), scratch, port, contestant.ping))
    plan = Plan(limit=LIMIT, lines=True, assemble_lines=True)

    def run(source: Path, target: Path) -> None:
        sender = Sender(port, _HEADERS, 600, 0, threading.Event())
        with ThreadPoolExecutor(WORKERS) as pool:
            transform(source, target, plan, sender, pool, ahead=2 * WORKERS)
        sender.close()

    return run


def _timed(way: Way, source: Path, target: Path) -> float:
    """Run it once and return its rows a second."""
    started = time.perf_counter()
    way.run(source, target)
    rate = ROWS // way.share / (time.perf_counter() - started)
    print(f"{way.title}: {rate:,.0f} rows/s", file=sys.stderr)
    return rate


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
