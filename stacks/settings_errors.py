"""Settings that are wrong, in our words: the key, what is allowed, and the nearest spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from slipway.errors import SettingsError, did_you_mean

_T = TypeVar("_T", bound=BaseModel)


def validated(kind: type[_T], values: Mapping[str, Any], where: str) -> _T:
    """Return the object of a kind that some values make.

    Args:
        kind: a pydantic model.
        values: what the file and the overrides say.
        where: the file, and where there are more the section.

    Raises:
        SettingsError: a key is unknown or missing, or a value is not allowed.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        key = _dotted(problem["loc"])
        if problem["type"] == "extra_forbidden":
            raise unknown_key(where, key, _keys_beside(kind, problem["loc"])) from None
        raise SettingsError(
            f"{where}: {key} = {problem['input']!r} is not allowed."
            if problem["type"] != "missing"
            else f"{where}: {key} is missing.",
            why=_reason(problem, kind),
            fix=f"Change {key} in {where.split(' ')[0]}.",
        ) from None


def _reason(problem: Mapping[str, Any], kind: type[BaseModel]) -> str:
    reason = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "literal_error":
        allowed = re.findall(r"'([^']+)'", str(problem["ctx"]["expected"]))
        hint = did_you_mean(str(problem["input"]), allowed)
        return f"Allowed: {problem['ctx']['expected']}. {hint}".strip()
    if problem["type"] == "tuple_type":
        return f'It is a list. Write it as ["{problem["input"]}"].'
    if problem["type"] == "string_pattern_mismatch":
        field = _beside(kind, problem["loc"]).get(str(problem["loc"][-1]))
        if field and field.examples:
            return f"Write it as {_either(field.examples)}."
    return f"{reason}."


def _either(texts: Sequence[Any]) -> str:
    """Return `a, b or c`."""
    *others, last = (str(text) for text in texts)
    return f"{', '.join(others)} or {last}" if others else last


def _dotted(location: tuple[int | str, ...]) -> str:
    """Return a place as people write it: `serve.variants[0].name`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def _keys_beside(kind: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    # Name and folder of a file's own object come from the file's place; a variant's name is a key.
    derived = ("name", "folder") if len(location) == 1 else ()
    return [name for name in _beside(kind, location) if name not in derived]


def _beside(kind: type[BaseModel], location: tuple[int | str, ...]) -> Mapping[str, FieldInfo]:
    """Return the fields of the section that a place is in; none where it is in no section."""
    for part in location[:-1]:
        if isinstance(part, int):
            continue  # the list's field has said of what it is one
        annotation = kind.model_fields[part].annotation
        if get_origin(annotation) is tuple:
            annotation = get_args(annotation)[0]
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return {}
        kind = annotation
    return kind.model_fields


def unknown_key(where: str, key: str, known: Any) -> SettingsError:
    """Return the error for a key that nothing reads."""
    last = key.rpartition(".")[2]
    hint = did_you_mean(last, known)
    return SettingsError(
        f"{where}: unknown key {key!r}.",
        why=f"Known here: {', '.join(known)}." if known else "",
        fix=hint or f"Remove {key}.",
    )
