"""report.html: one page that needs nothing else, every number of it out of a manifest."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from . import charts
from .comparison import better, changes, passes
from .figures import At, brief, count_of, difference, entries, name, percent, raw

TEMPLATES = Path(__file__).parent / "templates"
FEATURES_OPEN = 12


def render(
    manifest: Mapping[str, Any],
    previous: Mapping[str, Any] | None = None,
    *,
    version: str | None = None,
    previous_version: str | None = None,
) -> str:
    """Return the page for a manifest; the same arguments give the same text.

    A gate that is not passed is said so, with by how much: the manifest of a refused model may lack what
    comes after the gate (`engine`, `golden`, `files`).

    Args:
        manifest: the model's.
        previous: that of the version before, for comparison.
        version: the artifact's; None for a model that was refused.
        previous_version: the version of `previous`.
    """
    style, script = _asset("report.css"), _asset("thresholds.js")
    details = manifest.get("evaluation", {}).get("classification", {})
    scripted = "thresholds" in details
    policy = f"default-src 'none'; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"
    return (
        _environment()
        .get_template("report.html")
        .render(
            m=At(manifest),
            before=At(previous, "before:") if previous else None,
            version=version,
            before_version=previous_version,
            passed=all(passes(bound) for bound in manifest["gate"].values()),
            changes=changes(manifest, previous) if previous else [],
            policy=f"{policy}; script-src '{_hash(script)}'" if scripted else policy,
            style=Markup(style),  # noqa: S704 - a file of ours
            script=Markup(script) if scripted else None,  # noqa: S704 - a file of ours
            features_open=FEATURES_OPEN,
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "raw": raw,
        "name": name,
        "brief": brief,
        "percent": percent,
        "count_of": count_of,
        "entries": entries,
        "largest": _largest,
        "ends": _ends,
        "with": _with,
        "points": _points,
    }
    environment.globals |= {"charts": charts, "difference": difference, "better": better, "passes": passes}
    return environment


def _largest(places: At, key: str) -> float:
    """Return the largest value of a key: the scale of a column of bars."""
    return max((place.get(key) or 0 for place in raw(places)), default=0)


def _ends(features: At) -> tuple[float, float]:
    """Return the lowest and the highest that an importance, give or take its deviation, gets."""
    pairs = [(one["importance"] or 0, one["std"] or 0) for one in raw(features)]
    return min(value - std for value, std in pairs), max(value + std for value, std in pairs)


def _with(places: At, key: str) -> list[Any]:
    return [place for place in raw(places) if key in place]


def _points(bins: At) -> list[tuple[float, float, int]]:
    """Return stated share, observed share and rows of the bins that have any."""
    return [(one["stated"], one["observed"], one["rows"]) for one in raw(bins) if one["rows"]]


@functools.cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return what a Content-Security-Policy names an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
