"""The answers of List operations: filtered, sorted and cut as a request says."""

from collections.abc import Iterable, Mapping
from typing import Any

_PAGE = 100


def listed(
    member: str,
    summaries: Iterable[Mapping[str, Any]],
    request: Mapping[str, Any],
    *,
    name: str,
    status: str = "",
    equal: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return one page, newest first unless asked otherwise, or from the first name where names sort it.

    `name` and `status` are the summaries' own names for both. `equal` maps further members of the request to
    those of a summary that have to be the same.
    """
    same = {"StatusEquals": status, **(equal or {})}
    found = [
        entry
        for entry in summaries
        if str(request.get("NameContains") or "").lower() in str(entry.get(name, "")).lower()
        and all(entry.get(own) == request[asked] for asked, own in same.items() if request.get(asked))
        and _within(entry, request, "CreationTime")
        and _within(entry, request, "LastModifiedTime")
    ]
    keys = {"Name": name, "Status": status or name}
    key = keys.get(str(request.get("SortBy")), "CreationTime")
    order = request.get("SortOrder", "Ascending" if key == name else "Descending")
    found.sort(key=lambda entry: entry[key], reverse=order != "Ascending")
    start = int(request.get("NextToken") or 0)
    end = start + int(request.get("MaxResults") or _PAGE)
    answer: dict[str, Any] = {member: found[start:end]}
    if end < len(found):
        answer["NextToken"] = str(end)
    return answer


def _within(entry: Mapping[str, Any], request: Mapping[str, Any], time: str) -> bool:
    """Whether a time (seconds since 1970) is between the request's bounds, where it has any."""
    after, before = request.get(f"{time}After"), request.get(f"{time}Before")
    moment = entry.get(time, 0.0)
    return (after is None or moment >= after) and (before is None or moment <= before)
