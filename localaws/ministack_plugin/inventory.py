"""Lists what exists in ministack's services, every account and region."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from ministack.services.cloudformation import _stacks

from localaws.inventory import Resource
from localaws.resource_kinds import KINDS, Kind

BOOTSTRAP_STACK = "CDKToolkit"


def resources() -> list[Resource]:
    """Return every resource of the kinds that ministack itself holds."""
    return [resource for kind in KINDS for resource in _of(kind)]


def bootstrap_names() -> frozenset[str]:
    """Return the physical ids of what `cdk bootstrap` made, the stack's own name included."""
    names = {BOOTSTRAP_STACK}
    for key, stack in list(_stacks._data.items()):
        if key[-1] == BOOTSTRAP_STACK:
            names |= {entry["PhysicalResourceId"] for entry in stack.get("_resources", {}).values()}
    return frozenset(names)


def _of(kind: Kind) -> Iterator[Resource]:
    store = getattr(import_module(f"ministack.services.{kind.module}"), kind.store)
    for key, record in list(store._data.items()):  # keys are (account, name) or (account, region, name)
        name, detail = str(key[-1]), ""
        if kind.kind == "stack":
            detail = record.get("StackStatus", "")
            if detail in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS"):
                continue  # deleted stacks stay listed for a while; a change set alone makes a record
        elif kind.kind == "layer" and all(version.get("_deleted") for version in record["versions"]):
            continue  # kept for the functions that have it still
        elif kind.kind == "bucket":
            detail = f"{len(record.get('objects', {}))} objects"
        elif kind.kind == "key":
            detail = _text(record, "KeyState")
        yield Resource(kind.service, kind.kind, name, detail)


def _text(record: Any, member: str) -> str:
    return str(record.get(member, "")) if isinstance(record, dict) else ""
