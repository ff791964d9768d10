"""A warm request: our handler beside the classic one, which downloads and unpickles its model each time.

`python -m benchmarks.lambda_warm [DATE]`; BENCH_ROUNDS is how many rounds (5). One process a handler and
round; each request is an event of a REST API as a dictionary, which AWS's runtime makes for both. S3 is a
server on 127.0.0.1 that answers at once: the network between Lambda and S3 would come on top.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.functions.made import ANSWER, event, make, python_or_exit, train_wine
from benchmarks.functions.page import WARM, bounds, write_section

_MANY = """
import importlib, json, os, sys
from time import perf_counter_ns
handler = importlib.import_module(sys.argv[2]).handler
event, times = json.loads(sys.argv[3]), []
count = int(sys.argv[4])
for number in range(count + count // 10):
    started = perf_counter_ns()
    answer = handler(event, None)
    times.append(perf_counter_ns() - started)
times = sorted(times[count // 10:])
found = {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100], "answer": answer["body"]}
os.write(int(sys.argv[1]), json.dumps(found).encode())
"""
_AT_MOST, _AT_MOST_US = 1 / 5, 200


def main() -> int:
    """Measure, write the page, print it, and return whether the bounds are met."""
    rounds = int(os.environ.get("BENCH_ROUNDS", "5"))
    python = python_or_exit()
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "classic": []}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        artifact = train_wine(folder / "project")
        (folder / "made").mkdir()
        made = make(folder / "project", artifact, folder / "made", python)
        with _s3(made.joblib.read_bytes()) as url:
            variables = {
                "AWS_ENDPOINT_URL_S3": url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
                "MODEL_BUCKET": "models",
            }
            turns = (
                ("ours", made.ours, 10_000),
                ("classic", replace(made.downloading, environment=variables), 300),
            )
            for number in range(rounds):
                for kind, function, count in turns if number % 2 else reversed(turns):
                    ran = function.start(python, _MANY, event(), str(count), log=folder / "log")
                    told = json.loads(ran.answer)
                    if json.loads(told["answer"]) != ANSWER:
                        raise SystemExit(f"{function.title} answered {told['answer']}")
                    found[kind].append((told["p50"] / 1000, told["p99"] / 1000))
    text, met = _told(found)
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(write_section(WARM, " ".join(sys.argv[1:]), rounds, version, text))
    return 0 if met else 1


def _told(found: dict[str, list[tuple[float, float]]]) -> tuple[str, bool]:
    ours, classic = (statistics.median(p50 for p50, _ in found[kind]) for kind in ("ours", "classic"))
    ratio = ours / classic
    checks = [
        ("p50, of the classic handler's", f"at most {_AT_MOST:g}", f"{ratio:.4f}", ratio <= _AT_MOST),
        ("p50", f"at most {_AT_MOST_US} µs", f"{ours:.0f} µs", ours <= _AT_MOST_US),
    ]
    lines = ["| handler | p50 | p99 |", "| --- | --- | --- |"]
    for title, kind in (("Slipway", "ours"), ("download, unpickle, predict", "classic")):
        cells = (_us([pair[place] for pair in found[kind]]) for place in (0, 1))
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n\n".join([_TEXT.strip(), bounds(checks), "\n".join(lines)]), all(met for *_, met in checks)


_TEXT = """
The handler's time for one request, its line in the log included; medians of the rounds, in brackets the least
and the most. S3 is a server on this machine that answers at once: what AWS's network takes comes on top.
"""


def _us(figures: list[float]) -> str:
    return f"{statistics.median(figures):,.0f} µs ({min(figures):,.0f} to {max(figures):,.0f})"


@contextmanager
def _s3(content: bytes) -> Iterator[str]:
    """Serve one object under every name, and yield the server's address."""

    class Objects(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: two would wait for each other

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Objects)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
