"""wrk: one body over N connections for some seconds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import SlipwayError

_SCRIPT = Path(__file__).with_name("request.lua")
_SPARE_S = 30


@dataclass(frozen=True)
class Cell:
    """What wrk measured.

    Args:
        bad: answers outside 2xx, and connections that broke or took over two seconds.
    """

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    bad: int


def find(tool: str) -> str:
    """Return the path of `wrk` or `nginx`.

    Raises:
        SlipwayError: it is not installed.
    """
    found = shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SlipwayError(
            f"{tool} was not found.",
            why="The serving benchmark measures with wrk, and nginx is one of the peers.",
            fix="On Debian: apt-get install wrk nginx-light; on macOS: brew install wrk nginx.",
        )
    return found


def version_of(tool: str) -> str:
    """Return the name and version that `wrk -v` or `nginx -v` prints."""
    printed = subprocess.run([find(tool), "-v"], capture_output=True, text=True, check=False)
    number = re.search(r"\d+\.\d+(\.\d+)*", printed.stdout + printed.stderr)
    return f"{tool} {number[0]}" if number else tool


def measure(url: str, content_type: str, body: bytes, *, connections: int, seconds: int) -> Cell:
    """Send the body over and over, and return what came back."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        printed = subprocess.run(
            [find("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(_SCRIPT), url],
            env={"PATH": os.environ["PATH"], "BENCH_BODY": file.name, "BENCH_TYPE": content_type},
            capture_output=True, text=True, check=True, timeout=seconds + _SPARE_S,
        ).stdout  # fmt: skip
    line = next(line for line in printed.splitlines() if line.startswith("RESULT "))
    requests, duration_us, p50_us, p99_us, bad = map(int, line.split()[1:])
    return Cell(requests * 1e6 / duration_us, p50_us / 1000, p99_us / 1000, bad)
