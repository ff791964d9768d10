"""`card.toml` in a model folder: what only a person can say of a model."""

from __future__ import annotations

import tomllib
from pathlib import Path

from slipway.errors import SettingsError
from stacks.section import Section
from stacks.settings_errors import validated

FILE = "card.toml"


class CardSettings(Section):
    """`card.toml`: what only a person can say of a model."""

    owner: str | None = None
    """Who answers for the model, and how to reach them."""
    license: str | None = None
    """Under which terms the model may be used."""
    intended_use: str | None = None
    """What the model is for, and for whom."""
    out_of_scope: str | None = None
    """What it must not be used for."""
    data_origin: str | None = None
    """Where the data come from, when and how they were gathered, and what may be done with them."""
    limitations: str | None = None
    """Where it is known to be wrong, or not known to be right."""
    ethical_considerations: str | None = None
    """Who could be harmed by its mistakes, and what is done about that."""


def load_card(folder: Path) -> CardSettings:
    """Read a model folder's card.toml; without one every field is missing.

    Raises:
        SettingsError: it is no TOML, or a key or a value is wrong.
    """
    where = f"{folder.parent.name}/{folder.name}/{FILE}"
    try:
        values = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        values = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{where} is not TOML: {error}", fix="Mend the file.") from None
    return validated(CardSettings, values, where)
