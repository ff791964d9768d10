"""docs/benchmarks/lambda.md: each script writes its own section and leaves the other's."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence

from benchmarks.serving.models import ROOT, cores

PAGE = ROOT / "docs" / "benchmarks" / "lambda.md"
START, WARM = "Start to first prediction", "Warm requests"
_HEAD = """# Lambda: our function beside the classic handler

Written by `python -m benchmarks.lambda_start` and `python -m benchmarks.lambda_warm`. The model is `wine`, a
logistic regression on one feature, and the request is `{"data": ".10"}`. Both handlers serve what one
training wrote, ours as ONNX, the classic one as the pickle of scikit-learn. Each has packages of its own for
the Python of AWS, installed by hash, stripped and compiled in the same way. Absolute figures are those of the
machine, ratios travel better.
"""


def write_section(title: str, date: str, rounds: int, python: str, text: str) -> str:
    """Replace one section of the page and return it."""
    load = os.getloadavg()[0]
    busy = f", which others used as well (load {load:.1f})" if load > cores() else ""
    run = f"{date}: " if date else ""
    head = f"{run}{rounds} rounds on {cores()} cores{busy}, {platform.system()}, {python}."
    section = f"## {title}\n\n{head[0].upper()}{head[1:]}\n\n{text.strip()}\n"
    old = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    found = dict(re.findall(r"(?ms)^(## (?:[^\n]+)\n)(.*?)(?=^## |\Z)", old))
    sections = {key[3:].strip(): f"{key}{body.rstrip()}\n" for key, body in found.items()} | {title: section}
    PAGE.write_text(
        "\n".join([_HEAD, *(sections[name] for name in (START, WARM) if name in sections)]), encoding="utf-8"
    )
    return section


def bounds(rows: Sequence[tuple[str, str, str, bool]]) -> str:
    """Return the table of bounds: what, the bound, what was measured, and whether it is met."""
    lines = [
        f"| {what} | {bound} | {found} | {'met' if met else '**not met**'} |"
        for what, bound, found, met in rows
    ]
    return "\n".join(["| figure | bound | measured |  |", "| --- | --- | --- | --- |", *lines])
