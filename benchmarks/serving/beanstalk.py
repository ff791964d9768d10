"""`python -m benchmarks.serving.beanstalk [DATE]`: its part of docs/benchmarks/serving.md alone, in a minute.

BENCH_ROUNDS is how many rounds (5). The rest of the page stays as it is.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

from slipway.errors import SlipwayError

from . import turns
from .contestants import BEANSTALK
from .load import find
from .models import make_iris_forest
from .page import PAGE, WEB_SERVICE_TITLE, web_service
from .rounds import Plan, run
from .samples import Samples
from .server import fail_on_termination
from .verdict import WEB_SERVICE

PLAN = Plan(turns.web_service, "iris_forest", BEANSTALK)


def main() -> int:
    """Measure, write the section into the page, print it, and return whether the bound is met."""
    fail_on_termination()
    find("wrk")
    # What else the machine does weighs more on a chain of processes than on one.
    beside = f"beside a load of {os.getloadavg()[0]:.1f}"
    samples = Samples(int(os.environ.get("BENCH_ROUNDS", "5")))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        run([PLAN], {"iris_forest": make_iris_forest(Path(folder))}, samples, Path(folder))
    section = web_service(samples, alone=", ".join([*filter(None, [" ".join(sys.argv[1:])]), beside]))
    text = PAGE.read_text(encoding="utf-8")
    before, found, after = text.partition(f"## {WEB_SERVICE_TITLE}\n")
    if found:
        after = re.sub(r"\A.*?(?=^## )", "", after, flags=re.DOTALL | re.MULTILINE)
    else:
        before, after = text.partition("## Who\n")[0], "".join(text.partition("## Who\n")[1:])
    PAGE.write_text(f"{before}{section}\n{after}", encoding="utf-8")
    print(section)
    return 0 if WEB_SERVICE.met(samples) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SlipwayError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
