"""What a house rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stacks.template_reading import Hit, Template


@dataclass(frozen=True)
class Rule:
    """One house rule."""

    id: str
    message: str
    fix: str
    check: Callable[[Template], Iterator[Hit]]
    prod_only: bool = False
