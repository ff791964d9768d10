"""What is another than in the version before, besides the metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stacks.metrics import LOWER_IS_BETTER

from .figures import plain, short

_SECTIONS = ("settings", "split", "gate", "versions")


@dataclass(frozen=True)
class Change:
    """One fact of a manifest, before and now, as text."""

    what: str
    before: str
    now: str


def changes(manifest: Mapping[str, Any], before: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two manifests: settings, split, gate, versions, engine, columns."""
    now_flat, before_flat = (dict(_facts(one)) for one in (manifest, before))
    return [
        Change(name, before_flat.get(name, "none"), now_flat.get(name, "none"))
        for name in sorted(now_flat.keys() | before_flat.keys())
        if before_flat.get(name, "none") != now_flat.get(name, "none")
    ]


def better(metric: str, now: float | None, before: float | None) -> str:
    """Return `better`, `worse` or `the same`, by which way the metric is better."""
    if now is None or before is None:
        return "not comparable"
    if now == before:
        return "the same"
    return "better" if (now < before) == (metric in LOWER_IS_BETTER) else "worse"


def passes(bound: Mapping[str, Any]) -> bool:
    """Whether one entry of a manifest's `gate` is within its bound."""
    value = bound["value"]
    if value is None:
        return False
    return bool(value <= bound["bound"] if bound["kind"] == "maximum" else value >= bound["bound"])


def gate_words(manifest: Mapping[str, Any]) -> str:
    """Say on one line whether a model passes its gate, and by how much."""
    if not manifest["gate"]:
        return "no gate"
    return "; ".join(
        f"{name} {_number(bound['value'])}, at {'most' if bound['kind'] == 'maximum' else 'least'} "
        f"{bound['bound']:g} asked for: {'passed' if passes(bound) else 'failed'}"
        for name, bound in sorted(manifest["gate"].items())
    )


def _number(value: float | None) -> str:
    return "no number" if value is None else short(value)


def _facts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for section in _SECTIONS:
        for name, value in manifest.get(section, {}).items():
            if section == "gate":
                yield f"gate {name}", plain(value["bound"])
            elif section == "split" and name == "rows":
                continue  # they follow from the data and the shares
            elif isinstance(value, Mapping):
                yield from ((f"{name} {key}", plain(part)) for key, part in value.items())
            else:
                yield f"{section.removesuffix('s')} {name}" if section != "settings" else name, plain(value)
    yield "engine", plain(manifest.get("engine", {}).get("name"))
    yield "source of the data", plain(manifest.get("data", {}).get("source"))
    features = [feature["name"] for feature in manifest.get("signature", {}).get("features", [])]
    yield "features", plain(features)
