"""docs/benchmarks/batch.md, from what was measured."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving.models import cores, python_version

_HEAD = """# Batch: a file through our server beside AWS's stack, and without HTTP

Written by `python -m benchmarks.batch`{date}: {rounds} rounds on {cores} cores, {system}, Python {python}.
Our engine is ONNX Runtime. Figures are medians; in brackets the least and the most. Absolute figures are
that machine's, ratios travel better.

{rows:,} rows of 30 columns; the model is `StandardScaler` and `LogisticRegression`. A server has two workers
and gets requests of up to 6 MB, two at a time, from the code that transform jobs of the embedded AWS use: it
splits a file at line ends, sends, and writes the answers in order to another file. S3 is left out
everywhere, and so are the starts of servers and the loading of the model. AWS's stack is that of its
scikit-learn image; it gets {slow:,} of the rows, as it is slow: its rate is what counts. Without HTTP, one
process reads the file, predicts with scikit-learn and writes a label a line; the bound is on the fastest of
these ways. All outputs are compared with scikit-learn's own, each way runs once before it is measured, and
the order is reversed from round to round.
"""
_SECTION = """
## {title}, {megabytes:.0f} MB

| ours over theirs | bound | measured |  |
| --- | --- | --- | --- |
{bounds}

| way | rows/s | ours is |
| --- | --- | --- |
{table}
"""


@dataclass
class Way:
    """One way to predict a file: `run` reads the first path, writes the second; rates are rows a second."""

    title: str
    run: Callable[[Path, Path], None]
    share: int = 1
    rates: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Rows a second."""
        return statistics.median(self.rates)


def head(date: str, rounds: int, rows: int, slow: int) -> str:
    """Return what stands before the figures."""
    return _HEAD.format(
        date=f", {date}" if date else "", rounds=rounds, cores=cores(), system=platform.system(),
        python=python_version(), rows=rows, slow=slow,
    )  # fmt: skip


def section(title: str, megabytes: float, ways: list[Way]) -> tuple[str, bool]:
    """Return the figures of one kind of rows, and whether the bounds are met. Ours is first, AWS's second."""
    ours, aws, *local = ways
    fastest = max(local, key=lambda way: way.median)
    bounds = (("rows/s of AWS's stack", aws, 10.0), (f"rows/s of {fastest.title}", fastest, 0.5))
    lines, met = [], []
    for what, way, limit in bounds:
        ratio = ours.median / way.median
        met.append(ratio >= limit)
        lines.append(f"| {what} | at least {limit:g} | {ratio:.3g} | {'met' if met[-1] else '**not met**'} |")
    table = [
        f"| {way.title} | {way.median:,.0f} ({min(way.rates):,.0f} to {max(way.rates):,.0f}) "
        f"| {ours.median / way.median:.3g} x |"
        for way in ways
    ]
    text = _SECTION.format(
        title=title[0].upper() + title[1:],
        megabytes=megabytes,
        bounds="\n".join(lines),
        table="\n".join(table),
    )
    return text, all(met)
