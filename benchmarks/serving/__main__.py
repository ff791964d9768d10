"""`python -m benchmarks.serving [DATE]`: every server in its turn, round by round, then the page.

BENCH_ROUNDS is how many rounds (5). DATE is written on the page as it is given.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from localaws.errors import EnvironmentBuildError
from slipway.errors import SlipwayError

from . import turns
from .contestants import ALL, BULK, FOREST, SLIPWAY, Contestant
from .load import find
from .models import ROOT, Model, make_models
from .page import page
from .samples import Samples
from .server import CouldNotRun, fail_on_termination

PAGE = ROOT / "docs" / "benchmarks" / "serving.md"
_QUIET_LOAD = 0.5
_FAILURES = (CouldNotRun, EnvironmentBuildError, OSError, subprocess.SubprocessError)


def main() -> int:
    """Measure, write the page, print it, and return whether our own server ran throughout."""
    rounds = int(os.environ.get("BENCH_ROUNDS", "5"))
    fail_on_termination()
    for tool in ("wrk", "nginx"):
        find(tool)
    if (load := os.getloadavg()[0]) > _QUIET_LOAD:
        print(f"the machine is busy (load {load:.1f}): the figures will not be worth much", file=sys.stderr)
    samples = Samples(rounds)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        models = make_models(Path(folder))
        for contestant in ALL:
            _prepare(contestant, samples)
        for number in range(rounds):
            _round(number, models, samples, Path(folder))
        text = page(samples, models, " ".join(sys.argv[1:]))
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 1 if SLIPWAY.name in samples.failed else 0


def _round(number: int, models: dict[str, Model], samples: Samples, folder: Path) -> None:
    started = time.monotonic()
    plans = ((turns.small, "lr", ALL), (turns.forest, "rf", FOREST), (turns.bulk, "wide", BULK))
    for turn, model, contestants in plans:
        for contestant in contestants if number % 2 == 0 else reversed(contestants):
            if contestant.name in samples.failed:
                continue
            try:
                turn(contestant, models[model], samples)
            except _FAILURES as error:
                _fail(contestant, error, samples, folder)
    print(f"round {number + 1} of {samples.rounds}: {time.monotonic() - started:.0f} s", file=sys.stderr)


def _prepare(contestant: Contestant, samples: Samples) -> None:
    try:
        contestant.environment()
    except _FAILURES as error:
        _fail(contestant, error, samples, ROOT)


def _fail(contestant: Contestant, error: Exception, samples: Samples, folder: Path) -> None:
    """Keep the reason in one line for the page, without paths of this machine; all of it goes to the log."""
    print(f"{contestant.title} could not run: {error}", file=sys.stderr)
    first, _, rest = str(error).partition("\n")
    last = rest.strip().splitlines()[-1:] or [""]
    line = f"{first}: {last[0]}".rstrip(": ")
    for path in (str(folder), str(ROOT), str(Path.home())):
        line = line.replace(path, "")
    samples.failed[contestant.name] = line[:300]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SlipwayError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
