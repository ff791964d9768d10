"""How a finding that stays on purpose is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StackKind = Literal["shared", "model"]


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """One finding at one place."""

    stack: StackKind
    """The kind of stack; each model's stack is made by the same code."""
    path: str
    """Below the stack: the construct's path for cdk-nag, the logical id for house rules; {stage}
    stands for the stage."""
    finding: str
    """The exact id, brackets included; {stack}, {model} and {environment} stand for their names."""
    reason: str
    accepted: str
    """The day it was accepted: YYYY-MM-DD."""
    expires: str
    """The day it has to be looked at again: YYYY-MM-DD."""

    @property
    def of_house_rule(self) -> bool:
        """Whether it is a finding of ours; else it is cdk-nag's."""
        return self.finding.startswith("H-")
