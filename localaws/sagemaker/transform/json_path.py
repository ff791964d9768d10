"""The part of JSONPath that SageMaker's InputFilter and OutputFilter take.

Source: the developer guide, "Associate Prediction Results with Input Records", section "Supported JSONPath
Operators". A slice includes its end there: `$[1:4]` is the second to the fifth element.
"""

import re
from dataclasses import dataclass
from typing import Any

MAX_LENGTH = 63
_NAME = re.compile(r"\.([^.\[\]*'\s]+)")
_WILDCARD = re.compile(r"\.\*|\.?\[\*\]")
_NAMES = re.compile(r"\.?\[\s*('[^']*'(?:\s*,\s*'[^']*')*)\s*\]")
_PIECE = r"(?:-?\d+|(?:-?\d+)?\s*:\s*(?:-?\d+)?)"
# `$[0,5:]`, an example of the API reference, mixes numbers and slices.
_ELEMENTS = re.compile(rf"\.?\[\s*({_PIECE}(?:\s*,\s*{_PIECE})*)\s*\]")


class PathError(Exception):
    """A path that is not understood, or that a record has no place for."""


@dataclass(frozen=True)
class Names:
    """One member, or several, which stay an object."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Span:
    """Elements from `start` to `end`, both included; None is the first and the last."""

    start: int | None
    end: int | None

    def indices(self, length: int) -> range:
        """Return which elements of so many these are. Raises PathError where the ends are not there."""
        start = 0 if self.start is None else _index(self.start, length)
        end = length - 1 if self.end is None else _index(self.end, length)
        return range(start, end + 1)


@dataclass(frozen=True)
class Elements:
    """Elements by number or by span, in the order of the path; `single` is one number alone."""

    spans: tuple[Span, ...]
    single: bool = False

    def indices(self, length: int) -> list[int]:
        """Return which elements of so many these are. Raises PathError where they are not there."""
        return [index for span in self.spans for index in span.indices(length)]


@dataclass(frozen=True)
class Wildcard:
    """All members or elements."""


Step = Names | Elements | Wildcard
Path = tuple[Step, ...]


def parse(text: str) -> Path:
    """Return the steps of a path; none for `$`. Raises PathError."""
    if len(text) > MAX_LENGTH:
        raise PathError(f"it has {len(text)} characters, and {MAX_LENGTH} are allowed")
    if not text.startswith("$"):
        raise PathError("it does not start with $")
    steps: list[Step] = []
    at = 1
    while at < len(text):
        step, at = _step(text, at)
        steps.append(step)
    return tuple(steps)


def select(path: Path, value: Any) -> Any:
    """Return what a path selects of a JSON value. Raises PathError where it is not there."""
    for step in path:
        value = _selected(step, value)
    return value


def _step(text: str, at: int) -> tuple[Step, int]:
    if match := _WILDCARD.match(text, at):
        return Wildcard(), match.end()
    if match := _NAMES.match(text, at):
        return Names(tuple(re.findall(r"'([^']*)'", match[1]))), match.end()
    if match := _NAME.match(text, at):
        return Names((match[1],)), match.end()
    if match := _ELEMENTS.match(text, at):
        pieces = match[1].split(",")
        single = len(pieces) == 1 and ":" not in pieces[0]
        return Elements(tuple(map(_span, pieces)), single), match.end()
    raise PathError(f"{text[at:]!r} is none of the operators that SageMaker supports")


def _span(text: str) -> Span:
    start, colon, end = (piece.strip() for piece in text.partition(":"))
    if not colon:
        return Span(int(start), int(start))
    return Span(int(start) if start else None, int(end) if end else None)


def _selected(step: Step, value: Any) -> Any:
    if isinstance(step, Wildcard):
        if not isinstance(value, dict | list):
            raise PathError("* needs an object or an array")
        return list(value.values()) if isinstance(value, dict) else value
    if isinstance(step, Names):
        missing = [name for name in step.names if not isinstance(value, dict) or name not in value]
        if missing:
            raise PathError(f"there is no {missing[0]!r}")
        chosen = {name: value[name] for name in step.names}
        return chosen if len(chosen) > 1 else chosen[step.names[0]]
    if not isinstance(value, list):
        raise PathError("an index needs an array")
    indices = step.indices(len(value))
    return value[indices[0]] if step.single else [value[index] for index in indices]


def _index(number: int, length: int) -> int:
    index = number + length if number < 0 else number
    if not 0 <= index < length:
        raise PathError(f"index {number} is out of range: there are {length}")
    return index
