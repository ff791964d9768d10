"""What all sections of settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section that takes its own keys and types only, and does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
