"""`python -m benchmarks.serving.lock`: compile the peers' requirements again, in the way of `make lock`."""

from __future__ import annotations

import subprocess

from localaws.environments import find_uv

from .commands import PEERS

OPTIONS = (
    *("--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"),
)


def main() -> None:
    """Compile every peer's requirements.in to requirements.txt."""
    for source in sorted(PEERS.glob("*/requirements.in")):
        subprocess.run(
            [find_uv(), "pip", "compile", *OPTIONS, source.name, "-o", "requirements.txt"],
            cwd=source.parent,
            check=True,
        )


if __name__ == "__main__":
    main()
