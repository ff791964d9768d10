"""Rounds: every server in its turn, and the reason where one cannot run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localaws.errors import EnvironmentBuildError

from .contestants import Contestant
from .models import ROOT, Model
from .samples import Samples
from .server import CouldNotRun

_FAILURES = (CouldNotRun, EnvironmentBuildError, OSError, subprocess.SubprocessError)


@dataclass(frozen=True)
class Plan:
    """One kind of turn: what is done, with which model, by whom."""

    turn: Callable[[Contestant, Model, Samples], None]
    model: str
    contestants: Sequence[Contestant]


def run(plans: Sequence[Plan], models: Mapping[str, Model], samples: Samples, folder: Path) -> None:
    """Build what is missing, then run all rounds; the order is reversed from one to the next."""
    for contestant in {one.name: one for plan in plans for one in plan.contestants}.values():
        _prepare(contestant, samples)
    for number in range(samples.rounds):
        started = time.monotonic()
        for plan in plans:
            _turns(plan, plan.contestants[:: -1 if number % 2 else 1], models, samples, folder)
        print(f"round {number + 1} of {samples.rounds}: {time.monotonic() - started:.0f} s", file=sys.stderr)


def _turns(
    plan: Plan,
    contestants: Iterable[Contestant],
    models: Mapping[str, Model],
    samples: Samples,
    folder: Path,
) -> None:
    for contestant in contestants:
        if contestant.name not in samples.failed:
            try:
                plan.turn(contestant, models[plan.model], samples)
            except _FAILURES as error:
                _fail(contestant, error, samples, folder)


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
