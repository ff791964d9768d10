"""Values out of a manifest, as they are shown: each number says from where in it it comes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

NOTHING = "–"


class At:
    """A place in a manifest: its value, and a JSON Pointer to it (RFC 6901).

    In a template a text prints itself escaped, and a number prints itself short, in a `<data>` element with
    the exact value and the pointer. Keys of the manifest are reached by name, so this class has no public
    names.

    Args:
        value: what is there.
        pointer: where, after the name of the manifest where that is not the report's own (`before:`).
    """

    __slots__ = ("_pointer", "_value")

    def __init__(self, value: Any, pointer: str = "") -> None:
        self._value, self._pointer = value, pointer

    def __getitem__(self, key: str | int) -> At:
        escaped = str(key).replace("~", "~0").replace("/", "~1")
        return At(self._value[key], f"{self._pointer}/{escaped}")

    def __iter__(self) -> Iterator[At]:
        return (self[number] for number in range(len(self._value)))

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __html__(self) -> Markup:
        return shown(self)


def raw(place: At) -> Any:
    """Return the value itself."""
    return place._value


def name(place: At) -> Markup:
    """Return a class as the label has it: a number that is a name has no separators."""
    return escape(str(place._value))


def count_of(place: At) -> Markup:
    """Return how many things are in a list."""
    return Markup('<data value="{0}" data-count-of="{1}">{2}</data>').format(
        len(place), place._pointer, short(len(place))
    )


def entries(place: At) -> list[tuple[str, At]]:
    """Return the names and places of an object, sorted."""
    return [(name, place[name]) for name in sorted(place._value)]


def shown(place: At) -> Markup:
    """Return text escaped and numbers short: whole ones whole, others with four significant digits."""
    value = place._value
    if value is None:
        return Markup('<span class="nothing">–</span>')
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _data(place, short(value))
    return escape(value if isinstance(value, str) else plain(value))


def percent(place: At) -> Markup:
    """Return a share as a percentage with at most one digit behind the point."""
    if place._value is None:
        return shown(place)
    return _data(place, f"{100 * place._value:.1f}".removesuffix(".0") + " %")


def brief(place: At) -> Markup:
    """Return a number without the zeros at its end, for running text."""
    return shown(place) if place._value is None else _data(place, trimmed(short(place._value)))


def difference(now: At, before: At) -> Markup:
    """Return how much larger a number is than another, with its sign."""
    if now._value is None or before._value is None:
        return Markup('<span class="nothing">–</span>')
    value = now._value - before._value
    text = f"+{short(value)}" if value > 0 else short(value).replace("-", "\u2212")
    return Markup('<data value="{}" data-from="{}" data-minus="{}">{}</data>').format(
        repr(value), now._pointer, before._pointer, text if value else "0"
    )


def short(value: float) -> str:
    """Return a number as people read it: 1,797, 0.9667, 152.1, 2.1e-05."""
    if isinstance(value, int) or (float(value).is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if not math.isfinite(value):
        return NOTHING
    size = math.floor(math.log10(abs(value)))
    if not -4 <= size < 9:
        return f"{value:.3g}"
    return f"{value:,.{max(0, 3 - size)}f}"


def trimmed(text: str) -> str:
    """Return a number's text without the zeros at its end: 0.9000 as 0.9."""
    return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text


def plain(value: Any) -> str:
    """Return a setting's value as TOML would have it, near enough to be known again."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {plain(part)}" for name, part in sorted(value.items())) or "none"
    if isinstance(value, Sequence):
        return ", ".join(map(plain, value)) or "none"
    return "none" if value is None else str(value)


def _data(place: At, text: str) -> Markup:
    return Markup('<data value="{}" data-from="{}">{}</data>').format(
        repr(place._value), place._pointer, text.replace("-", "\u2212")
    )
