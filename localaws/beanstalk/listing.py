"""Pages of long answers."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from localaws.beanstalk.errors import invalid_value

T = TypeVar("T")


def page(found: Sequence[T], request: Mapping[str, Any], most: int) -> tuple[Sequence[T], str | None]:
    """Return one page and the token of the next; None after the last. Raises ApiError for a bad token.

    A page has `MaxRecords` entries, or `most` where the request names no number or a larger one.
    """
    token = str(request.get("NextToken") or "0")
    if not token.isdecimal():
        raise invalid_value(f"Invalid NextToken: {token}")
    start = int(token)
    size = min(request.get("MaxRecords") or most, most)
    end = start + max(size, 1)
    return found[start:end], str(end) if end < len(found) else None
