"""What one hyperparameter may be: how its text is read, and the values that are allowed."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from training.xgboost_algorithm.errors import UserError


class Allowed(Protocol):
    """The allowed values; its text stands in the image's messages."""

    def __contains__(self, value: Any) -> bool:
        """Whether a value is one of them."""


@dataclass(frozen=True)
class Interval:
    """Numbers between two ends, either of which may be missing; an open end is itself not allowed."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: Any) -> bool:
        under = self.low is not None and (value < self.low or (self.open_low and value == self.low))
        over = self.high is not None and (value > self.high or (self.open_high and value == self.high))
        return not (under or over)

    def __str__(self) -> str:
        low = "(-inf" if self.low is None else f"{'(' if self.open_low else '['}{self.low}"
        high = "+inf)" if self.high is None else f"{self.high}{')' if self.open_high else ']'}"
        return f"{low}, {high}"


@dataclass(frozen=True)
class Hyperparameter:
    """A row of the table. `items` says what of a parsed value must be allowed: itself, or each part."""

    name: str
    parse: Callable[[str], Any]
    allowed: Allowed
    items: Callable[[Any], list[Any]] | None = None
    required: bool = False

    def read(self, text: str) -> Any:
        """Return the value of a text. Raises UserError in the image's words."""
        try:
            value = self.parse(str(text))
        except (ValueError, SyntaxError) as error:
            kind = type(error).__name__
            raise UserError(
                f"Hyperparameter {self.name}: could not parse value (caused by {kind})"
            ) from error
        return value

    def check(self, value: Any) -> None:
        """Raise UserError where a value is not allowed."""
        if self.items is None:
            if value not in self.allowed:
                raise UserError(f"Hyperparameter {self.name}: {value} is not in {self.allowed}")
        elif any(item not in self.allowed for item in self.items(value)):
            raise UserError(f"Hyperparameter {self.name}: value {value} not in range {self.allowed}")


def integer(name: str, allowed: Allowed, *, required: bool = False) -> Hyperparameter:
    """Return a row for a whole number."""
    return Hyperparameter(name, int, allowed, required=required)


def number(name: str, allowed: Allowed) -> Hyperparameter:
    """Return a row for a real number."""
    return Hyperparameter(name, float, allowed)


def choice(name: str, *allowed: str) -> Hyperparameter:
    """Return a row for one of some words."""
    return Hyperparameter(name, str, list(allowed))


def words(name: str, allowed: Allowed) -> Hyperparameter:
    """Return a row for words with commas between them."""
    return Hyperparameter(name, lambda text: text.split(","), allowed, items=list)


def integers(name: str, allowed: Allowed) -> Hyperparameter:
    """Return a row for a Python tuple of numbers."""
    return Hyperparameter(name, lambda text: tuple(_sequence(text)), allowed, items=list)


def nested(name: str, allowed: Allowed) -> Hyperparameter:
    """Return a row for a Python list of lists of numbers."""
    return Hyperparameter(
        name,
        lambda text: [_sequence(part) for part in _sequence(text)],
        allowed,
        items=lambda value: [item for part in value for item in part],
    )


def _sequence(text: Any) -> list[int]:
    value = ast.literal_eval(text) if isinstance(text, str) else text
    if not isinstance(value, list | tuple) or not all(isinstance(part, int | list | tuple) for part in value):
        raise ValueError("not a list of whole numbers")
    return list(value)
