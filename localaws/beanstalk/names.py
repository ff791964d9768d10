"""Names and ARNs of Elastic Beanstalk's resources."""

import re
import secrets
import string
from collections.abc import Mapping
from typing import Any

from localaws.beanstalk.errors import invalid_value, missing
from localaws.ports import Scope

TIER = {"Name": "WebServer", "Type": "Standard", "Version": "1.0"}
"""The one tier that environments have here."""
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{2,38})[A-Za-z0-9]")
_ALPHABET = string.ascii_lowercase + string.digits


def arn(scope: Scope, kind: str, *parts: str) -> str:
    """Return the ARN of a resource of this account, such as `environment/<application>/<environment>`."""
    return f"arn:aws:elasticbeanstalk:{scope.region}:{scope.account}:{'/'.join((kind, *parts))}"


def required(request: Mapping[str, Any], member: str) -> Any:
    """Return a member of a request. Raises the MissingParameter error."""
    value = request.get(member)
    if value in (None, ""):
        raise missing(member)
    return value


def checked_length(member: str, value: str, longest: int = 100) -> str:
    """Return a name. Raises the InvalidParameterValue error for one of a length that AWS does not take."""
    if not 1 <= len(value) <= longest or "/" in value:
        raise invalid_value(
            f"Value {value!r} at '{member}' failed to satisfy constraint: 1 to {longest} characters without /"
        )
    return value


def checked_environment_name(name: str) -> str:
    """Return a new environment's name: 4 to 40 letters, digits and hyphens, none at an end."""
    if not _ENVIRONMENT_NAME.fullmatch(name):
        raise invalid_value(
            f"Value {name} at 'EnvironmentName' failed to satisfy constraint: Member must be from 4 to 40 "
            "characters in length. The name can contain only letters, numbers, and hyphens. It can't start "
            "or end with a hyphen."
        )
    return name


def new_environment_id() -> str:
    """Return an id as Elastic Beanstalk gives it: `e-` and ten letters and digits."""
    return "e-" + "".join(secrets.choice(_ALPHABET) for _ in range(10))


def bucket(scope: Scope) -> str:
    """Return the name of the bucket that Elastic Beanstalk makes for an account in a region."""
    return f"elasticbeanstalk-{scope.region}-{scope.account}"
