"""A batch of 1,000,000 rows through our server, AWS's scikit-learn stack, and a program without HTTP.

`python -m benchmarks.batch [DATE]`; BENCH_ROUNDS is how many rounds (3), BENCH_ROWS how many rows. Both
servers get their requests from the code that transform jobs of the embedded AWS use, from a plain file to a
plain file. DATE is written on the page as it is given.
"""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow.csv
from sklearn.datasets import load_breast_cancer

from benchmarks.serving.commands import WORKERS, Job
from benchmarks.serving.contestants import AWS, SLIPWAY, Contestant
from benchmarks.serving.models import ROOT, Model, cores, make_wide, python_version
from benchmarks.serving.server import Server, fail_on_termination
from localaws.sagemaker.transform.file import Plan, transform
from localaws.sagemaker.transform.sender import Sender
from slipway.ports import free_port

PAGE = ROOT / "docs" / "benchmarks" / "batch.md"
ROWS = int(os.environ.get("BENCH_ROWS", "1000000"))
SLOW_SHARE = 5  # AWS's stack gets one row in so many: its rate does not depend on how many
DISTINCT = 50_000
LIMIT = 6 * 1024 * 1024
_CHUNK = 100_000
_HEADERS = {"Content-Type": "text/csv", "Accept": "text/csv"}
_PAGE = """# Batch: a file through our server beside AWS's stack, and without HTTP

Written by `python -m benchmarks.batch`{date}: {rounds} rounds on {cores} cores, {system}, Python {python}.
Our engine is {engine}. Figures are medians; in brackets the least and the most. Absolute figures are that
machine's, ratios travel better.

{rows:,} rows of 30 columns, {megabytes:.0f} MB of CSV, {distinct:,} different ones over and over; the model
is `StandardScaler` and `LogisticRegression`. A server has two workers and gets requests of up to 6 MB, two
at a time, from the code that transform jobs of the embedded AWS use: it splits a file at line ends, sends,
and writes the answers in order to another file. S3 is left out everywhere, and so are the starts of servers
and the loading of the model. AWS's stack gets {slow:,} of the rows, as it is slow: its rate is what counts.
The order is reversed from round to round, all outputs are compared, and each way runs once before.

| ours over theirs | bound | measured |  |
| --- | --- | --- | --- |
{bounds}

| way | rows/s | ours is |
| --- | --- | --- |
{table}

Without HTTP, one process reads the file, predicts with scikit-learn and writes a label a line. The bound is
on the fastest of these ways, `{fastest}`.
"""


@dataclass
class Way:
    """One way to predict a file: `run` reads the first path and writes the second."""

    title: str
    run: Callable[[Path, Path], None]
    rows: int = ROWS
    rates: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Rows a second."""
        return statistics.median(self.rates)


def main() -> int:
    """Measure, write the page, print it, and return whether both bounds are met."""
    rounds = int(os.environ.get("BENCH_ROUNDS", "3"))
    fail_on_termination()
    with tempfile.TemporaryDirectory(prefix="bench-") as name, ExitStack() as servers:
        folder = Path(name)
        model = make_wide(folder)
        files = {rows: _write(folder / f"{rows}.csv", rows) for rows in (ROWS, ROWS // SLOW_SHARE)}
        megabytes = files[ROWS].stat().st_size / 1e6
        ours = Way("Slipway's server", _served(SLIPWAY, model, folder, servers))
        aws = Way("AWS's stack", _served(AWS, model, folder, servers), ROWS // SLOW_SHARE)
        # The bytes that this run's own training wrote a moment ago.
        estimator = joblib.load(model.joblib)
        local = [Way(title, partial(run, estimator)) for title, run in _LOCAL.items()]
        ways = [ours, aws, *local]
        digests = [_measured(way, files[way.rows], folder / "out", keep=False) for way in ways]
        _check(ways, digests, files, estimator, folder)
        for number in range(rounds):
            for way in ways if number % 2 == 0 else reversed(ways):
                _measured(way, files[way.rows], folder / "out", keep=True)
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
    fastest = max(local, key=lambda way: way.median)
    bounds = [("rows/s of AWS's stack", aws, 10.0), (f"rows/s of {fastest.title}", fastest, 0.5)]
    met = [ours.median / way.median >= limit for _, way, limit in bounds]
    text = _PAGE.format(
        date=f", {' '.join(sys.argv[1:])}" if sys.argv[1:] else "", rounds=rounds, cores=cores(),
        system=platform.system(), python=python_version(), engine=_ENGINES.get(model.engine, model.engine),
        rows=ROWS, megabytes=megabytes, distinct=DISTINCT, slow=ROWS // SLOW_SHARE, fastest=fastest.title,
        bounds="\n".join(
            f"| {what} | at least {limit:g} | {ours.median / way.median:.3g} "
            f"| {'met' if kept else '**not met**'} |"
            for (what, way, limit), kept in zip(bounds, met, strict=True)
        ),
        table="\n".join(
            f"| {way.title} | {way.median:,.0f} ({min(way.rates):,.0f} to {max(way.rates):,.0f}) "
            f"| {ours.median / way.median:.3g} x |"
            for way in ways
        ),
    )  # fmt: skip
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0 if all(met) else 1


def _write(path: Path, rows: int) -> Path:
    """Write rows around those of the breast cancer set, six digits a number."""
    features = load_breast_cancer(return_X_y=True)[0]
    random = np.random.default_rng(0)
    chosen = features[random.integers(len(features), size=DISTINCT)]
    table = chosen * random.normal(1, 0.05, chosen.shape)
    lines = [",".join(f"{value:.6g}" for value in row) + "\n" for row in table.tolist()]
    block = "".join(lines).encode()
    with path.open("wb") as file:
        for _ in range(rows // DISTINCT):
            file.write(block)
        file.write("".join(lines[: rows % DISTINCT]).encode())
    return path


def _served(
    contestant: Contestant, model: Model, folder: Path, servers: ExitStack
) -> Callable[[Path, Path], None]:
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


def _pandas_whole(estimator: Any, source: Path, target: Path) -> None:
    table = pd.read_csv(source, header=None)
    _save(estimator.predict(table.to_numpy()), target)


def _pandas_chunks(estimator: Any, source: Path, target: Path) -> None:
    with target.open("w") as out, pd.read_csv(source, header=None, chunksize=_CHUNK) as chunks:
        for chunk in chunks:
            out.write("\n".join(map(str, estimator.predict(chunk.to_numpy()))) + "\n")


def _pyarrow(estimator: Any, source: Path, target: Path) -> None:
    options = pyarrow.csv.ReadOptions(autogenerate_column_names=True)
    table = pyarrow.csv.read_csv(source, read_options=options)
    _save(estimator.predict(np.column_stack([column.to_numpy() for column in table.columns])), target)


def _numpy(estimator: Any, source: Path, target: Path) -> None:
    _save(estimator.predict(np.loadtxt(source, delimiter=",", dtype=np.float32)), target)


def _save(labels: Any, target: Path) -> None:
    target.write_text("\n".join(map(str, labels.tolist())) + "\n")


_LOCAL: dict[str, Callable[[Any, Path, Path], None]] = {
    "pandas.read_csv, the whole file": _pandas_whole,
    "pandas.read_csv, 100,000 rows at a time": _pandas_chunks,
    "pyarrow.csv.read_csv, all cores": _pyarrow,
    "numpy.loadtxt": _numpy,
}
_ENGINES = {"onnx": "ONNX Runtime", "onnxruntime": "ONNX Runtime"}


def _measured(way: Way, source: Path, target: Path, *, keep: bool) -> str:
    """Run it once, keep its rate, and return the sha256 of its output."""
    started = time.perf_counter()
    way.run(source, target)
    seconds = time.perf_counter() - started
    if keep:
        way.rates.append(way.rows / seconds)
    print(f"{way.title}: {way.rows / seconds:,.0f} rows/s", file=sys.stderr)
    return hashlib.sha256(target.read_bytes()).hexdigest()


def _check(ways: list[Way], digests: list[str], files: dict[int, Path], estimator: Any, folder: Path) -> None:
    """Compare every output with scikit-learn's own. Raises SystemExit where one differs."""
    expected = {}
    for rows, source in files.items():
        _pandas_whole(estimator, source, folder / "expected")
        expected[rows] = hashlib.sha256((folder / "expected").read_bytes()).hexdigest()
    for way, digest in zip(ways, digests, strict=True):
        if digest != expected[way.rows]:
            raise SystemExit(f"{way.title} answered other labels than scikit-learn")


if __name__ == "__main__":
    sys.exit(main())
