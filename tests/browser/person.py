"""What a person does with the page to try a model: type, press, read, copy a line and run it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .chromium import Chromium, Visit


class Page:
    """A page that is open, and what a person does on it."""

    def __init__(self, chromium: Chromium, address: str, **how: Any) -> None:
        self._chromium, self.address = chromium, address
        self.visit: Visit = chromium.open(address, **how)

    def run(self, script: str) -> Any:
        return self._chromium.evaluate(self.visit, script)

    def text(self, selector: str) -> Any:
        return self.run(f"document.querySelector({json.dumps(selector)})?.textContent")

    def texts(self, selector: str) -> list[str]:
        return self.run(
            f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)"
        )

    def call(self, method: str) -> dict[str, Any]:
        return self._chromium.call(method, self.visit)

    def fill(self, place: int, value: str) -> None:
        """Type into a field, or choose in it."""
        self.run(
            f"(() => {{ const one = document.getElementById('f{place}'); one.value = {json.dumps(value)};"
            " one.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )

    def predict(self) -> str | None:
        """Press the button and return the prediction, None where there is none."""
        self.run(
            "(async () => { const box = document.getElementById('answer'); box.replaceChildren();"
            " document.getElementById('predict').click();"
            " while (!box.children.length) await new Promise((go) => setTimeout(go, 5)); })()"
        )
        return self.text("#prediction")

    def errors(self) -> dict[int, str]:
        """Return what is said at the fields, by place."""
        found = self.run(
            "[...document.querySelectorAll('#fields [aria-invalid=true]')].map((one) =>"
            " [Number(one.id.slice(1)), document.getElementById(one.id + '-error').textContent])"
        )
        return dict(found)


def from_shell(line: str, folder: Path, **environment: str) -> Any:
    """Run a line of a shell in an empty folder, and return the JSON that it prints."""
    done = subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        check=True,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        timeout=30,
    )
    return json.loads(done.stdout)


def from_python(lines: str, **environment: str) -> Any:
    """Run lines of Python, and return the value that they print."""
    done = subprocess.run(
        [sys.executable, "-c", lines],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={**os.environ, **environment},
    )
    return ast.literal_eval(done.stdout)
