"""`python -m localaws --root FOLDER`: serve the embedded AWS of a project folder. Started by `control`."""

import argparse
import sys
from pathlib import Path

from localaws.server import serve
from localaws.state import StateFolder


def main() -> None:
    """Read the run file that the starter wrote, and serve."""
    parser = argparse.ArgumentParser(prog="python -m localaws", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the project folder")
    parser.add_argument("--name", default="localaws", help="which embedded AWS of that folder")
    arguments = parser.parse_args()
    state = StateFolder(arguments.root, arguments.name)
    run = state.read_run()
    if run is None:
        sys.exit(f"{state.run_file} is missing: start the embedded AWS with localaws.control.LocalAws")
    serve(state, run)


if __name__ == "__main__":
    main()
