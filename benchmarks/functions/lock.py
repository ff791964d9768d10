"""`python -m benchmarks.functions.lock`: compile the peers' requirements again, in the way of `make lock`."""

from __future__ import annotations

import subprocess

from benchmarks.functions.made import PEERS
from benchmarks.serving.lock import OPTIONS
from localaws.environments import find_uv


def main() -> None:
    """Compile every peer's requirements.in to requirements.txt."""
    for source in sorted(PEERS.glob("*/requirements.in")):
        command = [find_uv(), "pip", "compile", *OPTIONS, source.name, "-o", "requirements.txt"]
        subprocess.run(command, cwd=source.parent, check=True)


if __name__ == "__main__":
    main()
