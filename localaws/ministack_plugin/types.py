"""Adds resource types to ministack's CloudFormation engine."""

import threading
from collections.abc import Mapping
from typing import Any

from ministack.services.cloudformation import provisioners, stacks

from localaws.cloudformation import Context, Created, ResourceType
from localaws.cloudformation.schemas import CreateOnly
from localaws.ministack_plugin.scope import current

_MAX_NAME = 63


def register(types: tuple[ResourceType, ...]) -> None:
    """Put the types into the engine's tables: handlers, what a change replaces, names, tags, and threads."""
    for row in types:
        create_only = CreateOnly(row.name)
        provisioners._RESOURCE_HANDLERS[row.name] = _Adapter(row, create_only).table()
        # Change sets and updates both read this table, so a diff predicts what an update then does.
        provisioners._REPLACING_PROPERTIES[row.name] = create_only
        provisioners._CUSTOM_NAME_REPLACEMENT[row.name] = {"name": row.name_property}
        provisioners._STACK_TAG_PROPERTY[row.name] = ("Tags", "list")
    run_on_threads(frozenset(row.name for row in types))


class _Adapter:
    """Gives a handler of ours the calling convention of the engine."""

    def __init__(self, row: ResourceType, create_only: CreateOnly) -> None:
        self._handler = row.handler
        self._create_only = create_only

    def table(self) -> dict[str, Any]:
        """Return the engine's entry for this type."""
        return {
            "create": self._create,
            "update": self._update,
            "update_with_logical_id": True,
            "delete": self._delete,
        }

    def _create(self, logical_id: str, props: Mapping[str, Any], stack_name: str) -> Created:
        created = self._handler.create(props, _context(stack_name, logical_id))
        # Read the schema now, beside the deployment: the next change set wants it, on the event loop.
        threading.Thread(target=len, args=(self._create_only,), daemon=True).start()
        return created

    def _update(
        self,
        physical_id: str,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        stack_name: str,
        logical_id: str,
    ) -> Created:
        return self._handler.update(physical_id, old, new, _context(stack_name, logical_id))

    def _delete(self, physical_id: str, props: Mapping[str, Any]) -> None:
        self._handler.delete(physical_id, props, Context(current(), generated_name=""))


def _context(stack_name: str, logical_id: str) -> Context:
    name = provisioners._physical_name(stack_name, logical_id, lowercase=True, max_len=_MAX_NAME)
    return Context(current(), generated_name=name)


def run_on_threads(names: frozenset[str]) -> None:
    """Our handlers call the server over HTTP, or wait; on the event loop that would wait for itself."""
    original = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: resource_type in names or original(resource_type)
