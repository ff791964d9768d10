"""Names and ARNs of SageMaker's resources, and the checks its API makes on them."""

import re
from collections.abc import Mapping
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker.errors import validation_error

_NAME = re.compile(r"[a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?")
_ROLE = re.compile(r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+")
_NAME_LENGTH = 63


def arn(scope: Scope, kind: str, name: str) -> str:
    """Return the ARN of a resource; `kind` is "model", "endpoint-config" or "endpoint".

    SageMaker writes the name in lower case there, whatever its spelling at creation.
    """
    return f"arn:aws:sagemaker:{scope.region}:{scope.account}:{kind}/{name.lower()}"


def required(request: Mapping[str, Any], member: str) -> Any:
    """Return a member of a request. Raises the ValidationException for a missing one."""
    value = request.get(member)
    if value is None:
        raise validation_error(
            f"1 validation error detected: Value null at '{_wire(member)}' failed to satisfy constraint: "
            "Member must not be null"
        )
    return value


def checked_name(request: Mapping[str, Any], member: str) -> str:
    """Return a resource name of a request. Raises the ValidationException of its pattern or length."""
    value = required(request, member)
    _check(member, value, _NAME, "[a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?")
    if len(value) > _NAME_LENGTH:
        raise validation_error(
            f"1 validation error detected: Value '{value}' at '{_wire(member)}' failed to satisfy "
            f"constraint: "
            f"Member must have length less than or equal to {_NAME_LENGTH}"
        )
    return str(value)


def checked_integer(request: Mapping[str, Any], member: str, low: int, high: int) -> int:
    """Return an integer of a request. Raises the ValidationException of its type or range.

    CloudFormation may write a number as a string.
    """
    value = request.get(member)
    try:
        number = int(str(value))
    except ValueError as error:
        raise validation_error(f"Value '{value}' at '{_wire(member)}' must be an integer.") from error
    bound = f"less than or equal to {high}" if number > high else f"greater than or equal to {low}"
    if not low <= number <= high:
        raise validation_error(
            f"1 validation error detected: Value '{value}' at '{_wire(member)}' failed to satisfy "
            f"constraint: Member must have value {bound}"
        )
    return number


def checked_role(request: Mapping[str, Any], member: str) -> str:
    """Return a role ARN of a request. Raises the ValidationException of its pattern."""
    value = required(request, member)
    _check(member, value, _ROLE, "^arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+$")
    return str(value)


def _check(member: str, value: object, pattern: re.Pattern[str], shown: str) -> None:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise validation_error(
            f"1 validation error detected: Value '{value}' at '{_wire(member)}' failed to satisfy "
            f"constraint: "
            f"Member must satisfy regular expression pattern: {shown}"
        )


def _wire(member: str) -> str:
    return member[0].lower() + member[1:]
