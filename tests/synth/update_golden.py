"""Writes the golden templates again: `make golden`. Review the difference before it is committed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.synth.harness import GOLDEN, MODELS, golden_path, golden_templates, make_project, normalised


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for old in GOLDEN.glob("*/*.template.json"):
            old.unlink()
        for scenario, templates in golden_templates(make_project(Path(folder), *MODELS)).items():
            for stack, template in templates.items():
                path = golden_path(scenario, stack)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(normalised(template), encoding="utf-8")
                print(path)


if __name__ == "__main__":
    main()
