"""Writes the golden templates again: `make golden`. Review the difference before it is committed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.synth.harness import STAGES, golden_path, make_project, normalised, synthesize


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = make_project(Path(folder))
        for stage in STAGES:
            for old in golden_path(stage, "*").parent.glob("*.template.json"):
                old.unlink()
            for stack, template in synthesize(root, root / "out" / stage, stage=stage).items():
                path = golden_path(stage, stack)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(normalised(template), encoding="utf-8")
                print(path)


if __name__ == "__main__":
    main()
