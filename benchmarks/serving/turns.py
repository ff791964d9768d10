"""A turn: one server, started fresh and alone on the machine, checked, warmed, measured and ended.

A round gives every server its turn, and the order is reversed from round to round. Servers that only wait
would not disturb the others for nothing: some poll, some keep threads. Alone is fair to all.
"""

from __future__ import annotations

import http.client
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slipway.ports import free_port

from . import load, memory
from .commands import Job
from .contestants import Contestant
from .models import Model
from .samples import Samples
from .server import CouldNotRun, Server
from .wires import Rows

_WARM_S, _ONE_S, _MANY_S = 1, 1, 2
_BULK_REQUESTS = 6
_BULK_TIMEOUT_S = 60


@contextmanager
def started(contestant: Contestant, model: Model) -> Iterator[Server]:
    """Yield a running server whose answers are right; its folder goes with it."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        scratch, port = Path(folder), free_port()
        job = Job(model, scratch, port)
        with Server(contestant.commands(job), scratch, port, contestant.ping) as server:
            if contestant.answers:
                for row, label in zip(model.rows, model.expected, strict=True):
                    check(server, contestant, [row], [label])
            # Both workers load, compile and cache what they do at first.
            _load(server, contestant, model, connections=64, seconds=_WARM_S)
            yield server


def small(contestant: Contestant, model: Model, samples: Samples) -> None:
    """One row a request, over one connection and over 64; the start and the memory beside."""
    with started(contestant, model) as server:
        samples.add("start", contestant, server.seconds_to_ready)
        for connections, seconds in ((1, _ONE_S), (64, _MANY_S)):
            cell = _load(server, contestant, model, connections=connections, seconds=seconds)
            samples.add_cell(f"lr_c{connections}", contestant, cell)
        held = memory.read(server.pids())
        samples.add("worker_pss", contestant, held.worker_pss)
        samples.add("worker_rss", contestant, held.worker_rss)
        samples.add("all_pss", contestant, held.all_pss)


def forest(contestant: Contestant, model: Model, samples: Samples) -> None:
    """One row a request over 64 connections."""
    with started(contestant, model) as server:
        samples.add_cell(
            "rf_c64", contestant, _load(server, contestant, model, connections=64, seconds=_MANY_S)
        )


def web_service(contestant: Contestant, model: Model, samples: Samples) -> None:
    """One row a request in JSON, over one connection and over 64."""
    with started(contestant, model) as server:
        for connections in (1, 64):
            cell = _load(server, contestant, model, connections=connections, seconds=_MANY_S)
            samples.add_cell(f"web_c{connections}", contestant, cell)


def bulk(contestant: Contestant, model: Model, samples: Samples) -> None:
    """5 MB of rows a request, one after the other on one connection."""
    body = contestant.wire.write(model.bulk)
    with started(contestant, model) as server:
        peak = memory.Peak(server.pids())
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_BULK_TIMEOUT_S)
        seconds = []
        for _ in range(_BULK_REQUESTS):
            begun = time.perf_counter()
            answer = _post(connection, contestant, body)
            seconds.append(time.perf_counter() - begun)
            _compare(contestant, answer, model.bulk_expected)
        connection.close()
        samples.add("bulk_peak", contestant, peak.bytes() / len(body))
        samples.add("bulk_rows", contestant, len(model.bulk) / statistics.median(seconds))


def check(server: Server, contestant: Contestant, rows: Rows, expected: list[str]) -> None:
    """Compare an answer with scikit-learn's own. Raises CouldNotRun where it differs."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        _compare(contestant, _post(connection, contestant, contestant.wire.write(rows)), expected)
    except OSError as error:
        raise CouldNotRun(f"answered nothing: {error}", why=server.last_words()) from None
    finally:
        connection.close()


def _compare(contestant: Contestant, answer: tuple[int, bytes], expected: list[str]) -> None:
    status, body = answer
    if status != http.client.OK:
        raise CouldNotRun(f"answered {status}", why=body[:300].decode(errors="replace"))
    if list(map(str, contestant.wire.read(body))) != expected:
        raise CouldNotRun("answered other labels than scikit-learn", why=body[:300].decode(errors="replace"))


def _post(connection: http.client.HTTPConnection, contestant: Contestant, body: bytes) -> tuple[int, bytes]:
    kind = contestant.wire.content_type
    connection.request("POST", contestant.path, body, {"Content-Type": kind, "Accept": kind})
    response = connection.getresponse()
    return response.status, response.read()


def _load(
    server: Server, contestant: Contestant, model: Model, *, connections: int, seconds: int
) -> load.Cell:
    wire = contestant.wire
    body = wire.write(model.rows[:1])
    url = server.url(contestant.path)
    return load.measure(url, wire.content_type, body, connections=connections, seconds=seconds)
