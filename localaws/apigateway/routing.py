"""Which resource and method a path belongs to."""

import re
from collections.abc import Mapping
from typing import Any

from localaws.apigateway.stage import Deployment, Json, Route


def route(deployment: Deployment, method: str, path: str) -> Route | None:
    """Return the most specific resource that has the method or ANY, or None.

    A literal part comes before `{part}`, and that before `{proxy+}`. Source: "Set up a proxy integration
    with a proxy resource" in the API Gateway developer guide. A slash behind the path changes nothing.
    """
    found = []
    for resource in deployment.resources.values():
        methods: Mapping[str, Any] = resource.get("resourceMethods") or {}
        entry: Json | None = methods.get(method) or methods.get("ANY")
        match = _pattern(resource["path"]).fullmatch(path.rstrip("/") or "/")
        if entry and match:
            found.append((_specificity(resource["path"]), Route(resource, entry, _named(resource, match))))
    return min(found, key=lambda entry: entry[0])[1] if found else None


def _pattern(path: str) -> re.Pattern[str]:
    parts = [
        "(.+)" if part.endswith("+}") else "([^/]+)" if part.startswith("{") else re.escape(part)
        for part in path.split("/")
    ]
    return re.compile("/".join(parts))


def _named(resource: Json, match: re.Match[str]) -> dict[str, str]:
    names = re.findall(r"\{([^}+]+)\+?\}", resource["path"])
    return dict(zip(names, match.groups(), strict=True))


def _specificity(path: str) -> list[int]:
    return [2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in path.split("/")]
