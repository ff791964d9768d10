"""The model card: Markdown from a manifest, and from what a person says in card.toml.

Its sections are those of Hugging Face's template, after Mitchell et al., Model Cards for Model Reporting
(2019).
"""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import jinja2

from .card_settings import FILE, CardSettings
from .comparison import passes
from .figures import NOTHING, plain, short, trimmed
from .render import TEMPLATES


def render_card(
    manifest: Mapping[str, Any], card: CardSettings, *, version: str | None = None
) -> tuple[str, int]:
    """Return the card, and how many fields of it only a person can fill and nobody has.

    Args:
        manifest: the model's.
        card: from `load_card`.
        version: the artifact's.
    """
    said = {name: (value or "").strip() for name, value in card.model_dump().items()}
    missing = [name for name, value in said.items() if not value]
    place = f"model_code/{manifest['model']}/{FILE}"

    def person(name: str) -> str:
        return said[name] or f"**missing: fill in `{name}` in {place}**"

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701 - Markdown; the filter `text` makes text of what comes from data
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "text": text,
        "short": _short,
        "brief": _brief,
        "plain": lambda value: text(plain(value)),
        "csv": _csv,
    }
    page = environment.get_template("model-card.md.jinja").render(
        m=manifest,
        version=version,
        missing=missing,
        place=place,
        example=_example(manifest),
        person=person,
        passes=passes,
        passed=all(passes(bound) for bound in manifest["gate"].values()),
    )
    return page, len(missing)


def text(value: object) -> str:
    """Return text that Markdown shows as it is, on one line: no tag, no link, no new cell of a table."""
    line = " ".join(str(value).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#|!~$])", r"\\\1", line)


def _example(manifest: Mapping[str, Any]) -> list[Any] | None:
    """Return a golden row, where the manifest has any and it fits on a line."""
    rows = manifest.get("golden", {}).get("rows", [])
    return next((list(row) for row in rows if not any("\n" in str(cell) for cell in row)), None)


def _csv(row: Sequence[Any]) -> str:
    """Return a row as one line of CSV, quoted for a shell."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(row)
    return shlex.quote(line.getvalue())


def _short(value: float | None) -> str:
    return NOTHING if value is None else short(value)


def _brief(value: float | None) -> str:
    return trimmed(_short(value))
