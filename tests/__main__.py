"""Every check, in one report: `make test`. Arguments go to pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PYTEST = [sys.executable, "-m", "pytest", "-q"]
# The suites that share the cores, with two workers more than there are cores: most have an embedded AWS of
# their own, for which they wait. The longest files come first, and last those that leave no core waiting.
WORKERS = (os.cpu_count() or 1) + 2
WAITS_MOST = "tests/fault/test_demo_interrupted.py"
TOGETHER = (
    "tests/local/stacks",
    WAITS_MOST,
    *(f"tests/{name}" for name in ("browser", "contract", "local", "property", "synth", "unit")),
)
# Those that watch time and memory, or fill the container engine: each has a core.
ALONE = ("tests/fault", "tests/container")
# And those that need every core: nothing runs beside them.
QUIET = ("tests/fault/test_server_accepting.py", "tests/local/test_localaws_start.py")
# In the order given; by itself xdist begins with the files of the most tests, which are the fastest.
SPREAD = ("--no-loadscope-reorder",)


def but(*files: str) -> list[str]:
    """Return the options that leave files out."""
    return [f"--ignore={file}" for file in files]


def checks(arguments: list[str]) -> list[tuple[str, list[str | Path]]]:
    """Return what is run: every suite, or what the arguments name."""
    read: list[tuple[str, list[str | Path]]] = [
        ("ruff", [BIN / "ruff", "check", "--quiet", "."]),
        ("format", [BIN / "ruff", "format", "--quiet", "--check", "."]),
        ("types", [BIN / "mypy", "--no-error-summary"]),
    ]
    if arguments:
        return [*read, ("tests", [*PYTEST, *arguments])]
    return [
        *read,
        ("tests", [*PYTEST, f"--numprocesses={WORKERS}", *SPREAD, *TOGETHER, *but(*QUIET)]),
        (
            "servers",
            [
                *PYTEST,
                f"--numprocesses={min(os.cpu_count() or 1, 2)}",
                *SPREAD,
                *ALONE,
                *but(WAITS_MOST, *QUIET),
            ],
        ),
    ]


def run(name: str, command: list[str | Path], *, told: int | None = None) -> tuple[str, int, float, str]:
    """Run one check, and return its name, exit code, seconds and, with PIPE, what it said."""
    started = time.monotonic()
    ended = subprocess.run(command, cwd=ROOT, check=False, text=True, stdout=told, stderr=told)
    return name, ended.returncode, time.monotonic() - started, f"{ended.stdout or ''}{ended.stderr or ''}"


def main() -> int:
    """Run every check, also after one that fails, and return 1 if any did."""
    wanted = dict(checks(sys.argv[1:]))
    with ThreadPoolExecutor(1) as beside:
        # A minute on one core, where the tests leave some of two.
        types = beside.submit(run, "types", wanted.pop("types"), told=subprocess.PIPE)
        results = [run(name, command) for name, command in wanted.items()]
        results.append(types.result())
    if not sys.argv[1:]:  # once the types are checked as well
        results.append(run("quiet", [*PYTEST, *QUIET]))
    print(f"\n{types.result()[3]}")
    for name, status, seconds, _ in results:
        print(f"{'ok    ' if status == 0 else 'FAILED'} {name:<8} {seconds:6.1f} s")
    failed = sum(status != 0 for _, status, _, _ in results)
    # The last line is plain, for whatever reads reports.
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
