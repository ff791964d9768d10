"""${VARIABLES} in a compose file, as Docker Compose replaces them.

Source: "Interpolation" of the Compose specification. Nested defaults are not part of it here.
"""

import re
from collections.abc import Mapping
from typing import Any

from localaws.beanstalk.fleet.service import BadServiceError

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE = re.compile(
    rf"\$(?:(?P<escaped>\$)|(?P<plain>{_NAME})|{{(?P<name>{_NAME})(?:(?P<how>:?[-?+])(?P<text>[^}}]*))?}}|(?P<bad>))"
)
_MAX_VALUES = 10_000  # aliases of YAML make a small file a large tree


def interpolated(document: Any, variables: Mapping[str, str]) -> Any:
    """Return a document with the variables in its texts replaced; keys stay. Raises BadServiceError."""
    left = _MAX_VALUES

    def walk(value: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise BadServiceError(f"the file has more than {_MAX_VALUES} values")
        if isinstance(value, dict):
            return {key: walk(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [walk(entry) for entry in value]
        return replaced(value, variables) if isinstance(value, str) else value

    return walk(document)


def replaced(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with its variables replaced; one that is not set is empty."""

    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        name, how, other = match["plain"] or match["name"], match["how"] or "", match["text"] or ""
        if name is None:
            raise BadServiceError(f"invalid interpolation format: {text!r}")
        given = variables.get(name)
        is_set = bool(given) if how.startswith(":") else given is not None
        if how.endswith("+"):
            return other if is_set else ""
        if how.endswith("?") and not is_set:
            raise BadServiceError(f"required variable {name} is missing a value: {other}")
        return given or "" if is_set else (other if how.endswith("-") else "")

    return _VARIABLE.sub(value, text)
