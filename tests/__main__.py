"""Every check, in one report: `make test`. Arguments go to pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
# The suites that share the cores, a file at a time, with one worker more than there are cores: each has an
# embedded AWS of its own, for which it waits. The longest files come first, and last those that leave no core
# waiting.
WORKERS = (os.cpu_count() or 1) + 1
TOGETHER = tuple(
    f"tests/{name}" for name in ("local/stacks", "browser", "contract", "local", "property", "synth", "unit")
)
# And those that watch time and memory, or fill the container engine.
ALONE = ("tests/fault", "tests/container")


def checks(arguments: list[str]) -> list[tuple[str, list[str | Path]]]:
    """Return what is run: every suite, or what the arguments name."""
    read = [
        ("ruff", [BIN / "ruff", "check", "--quiet", "."]),
        ("format", [BIN / "ruff", "format", "--quiet", "--check", "."]),
        ("types", [BIN / "mypy", "--no-error-summary"]),
    ]
    if arguments:
        return [*read, ("tests", [*PYTEST, *arguments])]
    return [
        *read,
        ("tests", [*PYTEST, f"--numprocesses={WORKERS}", "--dist=loadfile", *TOGETHER]),
        ("servers", [*PYTEST, *ALONE]),
    ]


def main() -> int:
    """Run every check, also after one that fails, and return 1 if any did."""
    results = []
    for name, command in checks(sys.argv[1:]):
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
