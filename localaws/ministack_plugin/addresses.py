"""An API's address in a template, as one that answers on this machine."""

import re
from importlib import import_module
from types import ModuleType
from typing import Any

from ministack.services import apigateway_v1

_CLOUDFORMATION = "ministack.services.cloudformation"
_MODULES = ("engine", "changesets", "handlers", "stacks")
# Source of AWS's form: "Invoke a REST API" in the API Gateway developer guide.
_AWS_ADDRESS = re.compile(r"https://([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com/([\w-]+)")


def apply(url: str) -> None:
    """Let every string that a template resolves to name a REST API as `url` serves it.

    The host of AWS's own form, `https://ID.execute-api.REGION.amazonaws.com/STAGE/`, is not this machine's.
    Here it is `URL/restapis/ID/STAGE/_user_request_/`: no name to resolve, and any client reaches it.
    """

    def local(match: re.Match[str]) -> str:
        if apigateway_v1.find_api_scope(match[1]) is None:
            return match[0]
        return f"{url}/restapis/{match[1]}/{match[2]}/_user_request_"

    modules: list[ModuleType] = [import_module(f"{_CLOUDFORMATION}.{name}") for name in _MODULES]
    original = modules[0]._resolve_refs

    def resolve_refs(value: Any, *context: Any) -> Any:
        resolved = original(value, *context)
        return _AWS_ADDRESS.sub(local, resolved) if isinstance(resolved, str) else resolved

    for module in modules:  # each has the name of its own; the engine calls itself for what lies deeper
        module._resolve_refs = resolve_refs  # type: ignore[attr-defined]
