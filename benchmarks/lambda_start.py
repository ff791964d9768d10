"""Start to first prediction: whole processes of our function and of the classic handler, in turns.

`python -m benchmarks.lambda_start [DATE]`; BENCH_ROUNDS is how many rounds (7). From the start of the
interpreter to the first answer: the import of the handler, which loads the model, and one request. Once with
the files in the page cache, once without, and once without bytecode. Powertools' cost is measured beside.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.functions.made import ANSWER, Function, Made, event, make, python_or_exit, train_wine
from benchmarks.functions.page import START, bounds, write_section

_FIRST = """
import importlib, json, os, sys
class Context:
    aws_request_id, function_name, function_version = "0a1b2c", "wine", "1"
    memory_limit_in_mb, invoked_function_arn = 1769, "arn:aws:lambda:us-east-1:123456789012:function:wine"
handler = importlib.import_module(sys.argv[2]).handler
answer = handler(json.loads(sys.argv[3]), Context())
os.write(int(sys.argv[1]), answer["body"].encode())
"""
_AT_MOST = 1 / 5
_MB = 1024 * 1024
CACHED, FORGOTTEN, UNCOMPILED = "in the page cache", "not in the page cache", "without bytecode"
Times = dict[tuple[str, str], list[float]]


def main() -> int:
    """Measure, write the page, print it, and return whether the bounds are met."""
    rounds = int(os.environ.get("BENCH_ROUNDS", "7"))
    python = python_or_exit()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        artifact = train_wine(folder / "project")
        made = {}
        for kind, interpreter in (("compiled", python), ("sources", None)):
            (folder / kind).mkdir()
            made[kind] = make(folder / "project", artifact, folder / kind, interpreter)
        os.sync()  # what is not on the disk yet cannot be forgotten
        times = _measure(python, made["compiled"], made["sources"], rounds)
    text, met = _told(times, made["compiled"])
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(write_section(START, " ".join(sys.argv[1:]), rounds, version, text))
    return 0 if met else 1


def _measure(python: str, compiled: Made, sources: Made, rounds: int) -> Times:
    both = (compiled.ours, compiled.classic)
    turns = [
        *((CACHED, function) for function in (*both, compiled.powertools, compiled.traced)),
        *((FORGOTTEN, function) for function in both),
        *((UNCOMPILED, function) for function in (sources.ours, sources.classic)),
    ]
    times: Times = defaultdict(list)
    for number in range(-1, rounds):  # the first round fills the page cache and is not counted
        for kind, function in turns if number % 2 else reversed(turns):
            if kind == FORGOTTEN:
                function.forget()
            ran = function.start(python, _FIRST, event())
            if json.loads(ran.answer) != ANSWER:
                raise SystemExit(f"{function.title} answered {ran.answer}")
            if number >= 0:
                times[kind, function.title].append(ran.seconds)
    return times


def _told(times: Times, made: Made) -> tuple[str, bool]:
    ours, classic = made.ours, made.classic
    ratio = _median(times, CACHED, ours) / _median(times, CACHED, classic)
    checks = [
        ("start, of the classic handler's", f"at most {_AT_MOST:g}", f"{ratio:.3f}", ratio <= _AT_MOST),
        ("package, unpacked", "at most 150 MB", _mb(ours.unpacked), ours.unpacked <= 150 * _MB),
        ("package, zipped", "at most 50 MB", _mb(ours.zipped), ours.zipped <= 50 * _MB),
    ]
    lines = ["| files | Slipway | the classic handler | ratio |", "| --- | --- | --- | --- |"]
    for kind in (CACHED, FORGOTTEN, UNCOMPILED):
        share = _median(times, kind, ours) / _median(times, kind, classic)
        lines.append(
            f"| {kind} | {_ms(times[kind, ours.title])} | {_ms(times[kind, classic.title])} | {share:.3f} |"
        )
    more = ["| function, in the page cache | start | more than ours |", "| --- | --- | --- |"]
    for function in (ours, made.powertools, made.traced):
        extra = (_median(times, CACHED, function) - _median(times, CACHED, ours)) * 1000
        more.append(f"| {function.title} | {_ms(times[CACHED, function.title])} | {extra:.0f} ms |")
    sizes = (
        f"The classic handler's package is {_mb(classic.unpacked)} unpacked, {_mb(classic.zipped)} zipped, "
        "with boto3."
    )
    text = "\n\n".join([_TEXT.strip(), bounds(checks), "\n".join(lines), sizes, "\n".join(more)])
    return text, all(met for *_, met in checks)


_TEXT = """
From the start of the interpreter to the first answer, in a process of its own each time; medians, in brackets
the least and the most. The classic handler loads its pickle from its package here, not from S3. AWS adds to
both what it needs to fetch and unpack the package.
"""


def _median(times: Times, kind: str, function: Function) -> float:
    return statistics.median(times[kind, function.title])


def _ms(seconds: list[float]) -> str:
    least, most = min(seconds) * 1000, max(seconds) * 1000
    return f"{statistics.median(seconds) * 1000:.0f} ms ({least:.0f} to {most:.0f})"


def _mb(size: int) -> str:
    return f"{size / _MB:.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
