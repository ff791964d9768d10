"""Draws docs/demo.svg: runs `slipway demo` and turns what it printed into a picture. `make picture`"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
WIDTH = 100


def main() -> None:
    """Run the demo, record, write the picture."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "dumb"}
    environment.pop("NO_COLOR", None)
    shown = subprocess.run(
        [sys.executable, "-m", "slipway.main", "demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print("[bold]$ make demo[/]")
    for line in shown.splitlines():
        text = Text.from_ansi(line)
        if line.startswith("ok "):
            text.stylize("green", 0, 3)
        told = any(word in line for word in ("->", "held-back", " of 1000", "again, ", "joined rows"))
        if told or not line.startswith(("     ", "\x1b[2m     ")):
            console.print(text, no_wrap=True)
    picture = console.export_svg(title="slipway", unique_id="slipway")
    # The page that shows the picture fetches no font from anywhere.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    (ROOT / "docs" / "demo.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
