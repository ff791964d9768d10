"""Every check, in one report: `make test`. Arguments go to pytest."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
CHECKS = (
    ("ruff", [BIN / "ruff", "check", "--quiet", "."]),
    ("format", [BIN / "ruff", "format", "--quiet", "--check", "."]),
    ("types", [BIN / "mypy", "--no-error-summary"]),
    ("tests", [sys.executable, "-m", "pytest", "-q", *sys.argv[1:]]),
)


def main() -> int:
    """Run every check, also after one that fails, and return 1 if any did."""
    results = []
    for name, command in CHECKS:
        started = time.monotonic()
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        results.append((name, status, time.monotonic() - started))
    print()
    for name, status, seconds in results:
        print(f"{'ok    ' if status == 0 else 'FAILED'} {name:<8} {seconds:6.1f} s")
    failed = sum(status != 0 for _, status, _ in results)
    # The last line is plain, for whatever reads reports.
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
