"""`python -m benchmarks.serving [DATE]`: every server in its turn, round by round, then the page.

BENCH_ROUNDS is how many rounds (5). DATE is written on the page as it is given.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from slipway.errors import SlipwayError

from . import beanstalk, turns
from .contestants import ALL, BULK, FOREST, SLIPWAY
from .load import find
from .models import make_models
from .page import PAGE, page
from .rounds import Plan, run
from .samples import Samples
from .server import fail_on_termination

PLANS = (
    Plan(turns.small, "lr", ALL),
    Plan(turns.forest, "rf", FOREST),
    Plan(turns.bulk, "wide", BULK),
    beanstalk.PLAN,
)
_QUIET_LOAD = 0.5


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
        run(PLANS, models, samples, Path(folder))
        text = page(samples, models, " ".join(sys.argv[1:]))
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 1 if SLIPWAY.name in samples.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SlipwayError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
