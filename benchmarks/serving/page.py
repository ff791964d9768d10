"""docs/benchmarks/serving.md, from what was measured."""

from __future__ import annotations

import platform
from collections.abc import Sequence

from .contestants import (
    ALL,
    AWS,
    BALANCED,
    BEANSTALK,
    BULK,
    CLASSIC,
    FLASK,
    FOREST,
    LIMITS,
    SLIPWAY,
    Contestant,
)
from .load import version_of
from .models import ROOT, Model, cores, python_version
from .samples import Samples
from .verdict import BOUNDS, PEAK, WEB_SERVICE, Bound

PAGE = ROOT / "docs" / "benchmarks" / "serving.md"
_MET = {True: "met", False: "**not met**", None: "**not measured**"}
_HEAD = """# Serving: our server beside its peers

Written by `make bench-serving` (`benchmarks/serving/`){date}: {rounds} rounds on {cores} cores, {system},
Python {python}, {wrk}. Our engine is {engine}. Figures are medians; in brackets the least and the most.
Absolute figures are that machine's, ratios travel better.

Every server has two workers, listens on 127.0.0.1 and writes no line per request. A round gives each its
turn: started fresh and alone on the machine, its answers compared with scikit-learn's own on {rows} rows,
warmed for a second, measured, and ended; the order is reversed from round to round. `wrk` sends one real row
over and over and shares the cores with the server. A cell with any answer outside 2xx is no figure.
"""
_NOTES = """
Start is from the command to the first 200 on the server's own health path; AWS's stack installs the model's
code with pip at every start, as its image does. Memory is read after the load. PSS counts a page that n
processes share as 1/n, RSS in full; "all" is every process of the server, its parent and nginx included.
"""
WEB_SERVICE_TITLE = "The classic recipe: a forest behind a URL, one row of JSON a request"
_WEB_SERVICE = """{alone}The example model `iris_forest`, 100 trees: `POST /predict`, one row in JSON.
The bound: behind the load balancer at least {limit:g} times the requests per second of Flask's own server,
over 1 connection and over 64. Measured: {measured}, {met}.
"""
_PEAK = """
Medians of six requests a round, one after the other on one connection. Peak memory is the highest resident
memory over all six, less what was held before the first, of the process that grew the most.
"""


def page(samples: Samples, models: dict[str, Model], date: str) -> str:
    """Return the whole page."""
    rows = len(models["wide"].bulk)
    head = _HEAD.format(
        date=f", {date}" if date else "",
        rounds=samples.rounds,
        cores=cores(),
        system=platform.system(),
        python=python_version(),
        engine={"onnx": "ONNX Runtime"}.get(models["lr"].engine, models["lr"].engine or "not known"),
        rows=len(models["lr"].rows),
        wrk=version_of("wrk"),
    )
    parts = [
        head,
        "## The bounds\n",
        _table(("ours over theirs", "bound", "measured", ""), [_verdict(bound, samples) for bound in BOUNDS]),
        "\n## One row a request, logistic regression on iris\n",
        _table(
            ("server", "format", "1 connection: requests/s", "p50 ms", "p99 ms",
             "64 connections: requests/s", "p50 ms", "p99 ms", "x AWS's", "x classic"),
            [_small(one, samples) for one in ALL],
        ),
        "\n## One row a request, forest of 100 trees on iris, 64 connections\n",
        _table(
            ("server", "requests/s", "p50 ms", "p99 ms", "ours is"),
            [_forest(one, samples) for one in FOREST],
        ),
        f"\n## {rows:,} rows of 30 columns in one request, 5 MB of CSV\n",
        _table(
            ("server", "rows/s", "ours is", "peak memory, in bodies"),
            [_bulk(one, samples) for one in BULK],
        ),
        _PEAK,
        "## Start and memory, logistic regression\n",
        _table(
            ("server", "start, s", "worker PSS, MB", "worker RSS, MB", "all PSS, MB"),
            [_start(one, samples) for one in ALL if one not in LIMITS],
        ),
        _NOTES,
        web_service(samples),
        "## Who\n",
        _table(
            ("server", "versions", "how"),
            [(one.title, one.versions(), one.note) for one in (*ALL, BALANCED, FLASK)],
        ),
    ]  # fmt: skip
    if samples.failed:
        parts += ["\n## Could not run\n"]
        parts += [
            f"* {one.title}: {samples.failed[one.name]}"
            for one in (*ALL, BALANCED, FLASK)
            if one.name in samples.failed
        ]
    return "\n".join(parts) + "\n"


def web_service(samples: Samples, *, alone: str = "") -> str:
    """Return the section about Elastic Beanstalk; `alone` says when, where it is measured by itself."""
    ratio = WEB_SERVICE.measured(samples)
    text = _WEB_SERVICE.format(
        alone=f"Measured by itself: {alone}, {samples.rounds} rounds.\n" if alone else "",
        limit=WEB_SERVICE.limit,
        measured="-" if ratio is None else f"{_short(ratio)} times",
        met=_MET[WEB_SERVICE.met(samples)],
    )
    columns = ("requests/s", "p50 ms", "p99 ms", "x Flask's")
    head = (
        "server",
        *(f"1 connection: {columns[0]}", *columns[1:]),
        *(f"64 connections: {columns[0]}", *columns[1:]),
    )
    rows = [
        (one.title, *(cell for count in ("web_c1", "web_c64") for cell in _web_cells(samples, count, one)))
        for one in BEANSTALK
    ]
    return "\n".join((f"## {WEB_SERVICE_TITLE}\n", text, _table(head, rows), ""))


def _web_cells(samples: Samples, count: str, one: Contestant) -> Sequence[str]:
    return *_load_cells(samples, count, one), _ratio(samples, f"{count}_rps", one, FLASK)


def _verdict(bound: Bound, samples: Samples) -> Sequence[str]:
    sign = "at least" if bound.sign == ">=" else "at most"
    ratio = bound.measured(samples)
    word = _MET[bound.met(samples)]
    return bound.says, f"{sign} {bound.limit:g}", "-" if ratio is None else _short(ratio), word


def _small(one: Contestant, samples: Samples) -> Sequence[str]:
    ours = (*_load_cells(samples, "lr_c1", one), *_load_cells(samples, "lr_c64", one))
    return (
        one.title,
        one.wire.name,
        *ours,
        *(_ratio(samples, "lr_c64_rps", one, base) for base in (AWS, CLASSIC)),
    )


def _forest(one: Contestant, samples: Samples) -> Sequence[str]:
    return one.title, *_load_cells(samples, "rf_c64", one), _ratio(samples, "rf_c64_rps", SLIPWAY, one)


def _bulk(one: Contestant, samples: Samples) -> Sequence[str]:
    rows = _cell(samples, "bulk_rows", one, spread=True)
    return one.title, rows, _ratio(samples, "bulk_rows", SLIPWAY, one), _cell(samples, PEAK, one, spread=True)


def _start(one: Contestant, samples: Samples) -> Sequence[str]:
    figures = ("start", "worker_pss", "worker_rss", "all_pss")
    return one.title, *(_cell(samples, figure, one, spread=figure == "start") for figure in figures)


def _load_cells(samples: Samples, count: str, one: Contestant) -> Sequence[str]:
    return [_cell(samples, f"{count}_{name}", one, spread=name == "rps") for name in ("rps", "p50", "p99")]


def _cell(samples: Samples, figure: str, one: Contestant, *, spread: bool = False) -> str:
    middle = samples.median(figure, one)
    if middle is None:
        bad = samples.bad_of(figure, one)
        return f"{bad} bad answers" if bad else "could not run"
    if not spread:
        return _short(middle)
    least, most = samples.span(figure, one)
    return f"{_short(middle)} ({_short(least)} to {_short(most)})"


def _ratio(samples: Samples, figure: str, one: Contestant, base: Contestant) -> str:
    above, below = samples.median(figure, one), samples.median(figure, base)
    return "-" if above is None or not below else f"{_short(above / below)} x"


def _short(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
