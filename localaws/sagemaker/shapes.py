"""Checks requests against SageMaker's API as botocore describes it, in the words of SageMaker's own check."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import botocore.session

from localaws.sagemaker.errors import ApiError, validation_error

_JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,), "map": (dict,), "list": (list,), "string": (str,), "boolean": (bool,),
    "integer": (int,), "long": (int,), "float": (int, float), "double": (int, float),
}  # fmt: skip
_MAX_SHOWN = 200  # characters of a value in a message


def check(operation: str, request: Mapping[str, Any]) -> None:
    """Check types, required members, lengths, ranges, patterns and enumerations of a request.

    Raises the ValidationException that lists all that is wrong, or the SerializationException of a value
    with a wrong type. Members that the API does not know are left alone, as AWS does.
    """
    shape = _service_model().operation_model(operation).input_shape
    if faults := list(_faults(shape, request, "")):
        plural = "s" if len(faults) > 1 else ""
        raise validation_error(f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}")


@cache
def _service_model() -> Any:
    return botocore.session.Session().get_service_model("sagemaker")


def _faults(shape: Any, value: Any, path: str) -> Iterator[str]:
    _check_type(shape, value)
    yield from (f"Value {_shown(value)} at '{path}' {_FAILED}: {text}" for text in _broken(shape, value))
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            inside = f"{path}.{_wire(name)}" if path else _wire(name)
            if value.get(name) is not None:
                yield from _faults(member, value[name], inside)
            elif name in shape.required_members:
                yield f"Value null at '{inside}' {_FAILED}: Member must not be null"
    elif shape.type_name == "list":
        for number, item in enumerate(value, start=1):
            yield from _faults(shape.member, item, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _faults(shape.key, key, f"{path}.key")
            yield from _faults(shape.value, item, f"{path}.{key}.member")


_FAILED = "failed to satisfy constraint"


def _broken(shape: Any, value: Any) -> Iterator[str]:
    """Return the constraints of one shape that a value of the right type does not meet."""
    limits = shape.metadata
    if shape.type_name in ("string", "list", "map"):
        size, measure = len(value), "length"
    elif shape.type_name in ("integer", "long", "float", "double"):
        size, measure = value, "value"
    else:
        return
    if size < limits.get("min", size):
        yield f"Member must have {measure} greater than or equal to {limits['min']}"
    if size > limits.get("max", size):
        yield f"Member must have {measure} less than or equal to {limits['max']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
    if "pattern" in limits and not re.fullmatch(_python_pattern(limits["pattern"]), value, re.DOTALL):
        yield f"Member must satisfy regular expression pattern: {limits['pattern']}"


def _python_pattern(pattern: str) -> str:
    """Return Java's expression as Python's, which has no names for Unicode's classes.

    They all stand in brackets, so each becomes a part of a class there. Python's part for letters holds the
    digits too; no pattern of SageMaker's takes the ones without the others.
    """
    for name, characters in _UNICODE_CLASSES.items():
        pattern = pattern.replace(rf"\p{{{name}}}", characters)
    return pattern.replace("${", "(?:$){")  # Java repeats an anchor as it stands


_UNICODE_CLASSES = {
    "Alnum": "a-zA-Z0-9", "L": r"\w", "N": r"\d", "Z": r"\s", "M": "\u0300-\u036f",
    "P": r"!-/:-@\[-`{-~\u00a1-\u00bf\u2010-\u205e\u3001-\u303f", "S": r"\u20a0-\u2bff\U0001f000-\U0001faff",
}  # fmt: skip


def _check_type(shape: Any, value: Any) -> None:
    wanted = _JSON_TYPES.get(shape.type_name)
    is_wrong_bool = isinstance(value, bool) and shape.type_name != "boolean"  # Python's bool is an int
    if wanted and (is_wrong_bool or not isinstance(value, wanted)):
        given = {bool: "BOOLEAN", int: "NUMBER", float: "NUMBER", str: "STRING"}.get(type(value), "OBJECT")
        kind = shape.type_name.capitalize()
        raise ApiError("SerializationException", f"{given}_VALUE can not be converted to a {kind}")


def _shown(value: Any) -> str:
    text = str(value)
    return f"'{text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + '…'}'"


def _wire(member: str) -> str:
    return member[0].lower() + member[1:]
