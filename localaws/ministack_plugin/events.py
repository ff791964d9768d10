"""Stack events of an update, only for what changes: the engine also reports what it left alone."""

from typing import Any

from ministack.services.cloudformation import _stack_events, stacks


def apply() -> None:
    """Take back the UPDATE_IN_PROGRESS of a resource that turns out unchanged, and its UPDATE_COMPLETE."""
    started: dict[tuple[str, str], dict[str, Any]] = {}
    unchanged: set[tuple[str, str]] = set()
    add_event, update = stacks._add_event, stacks._update_keeping_seed

    def add(
        stack_id: str, stack_name: str, logical_id: str, resource_type: str, status: str,
        *details: Any, **more: Any,
    ) -> None:  # fmt: skip
        resource = (stack_name, logical_id)
        if status == "UPDATE_COMPLETE" and resource in unchanged:
            unchanged.discard(resource)
            return
        add_event(stack_id, stack_name, logical_id, resource_type, status, *details, **more)
        if status == "UPDATE_IN_PROGRESS":
            started[resource] = _stack_events[stack_id][-1]

    def update_keeping_seed(
        resource_type: str, physical_id: str, old: Any, new: Any,
        stack_name: str, logical_id: str, attributes: Any,
    ) -> Any:  # fmt: skip
        event = started.pop((stack_name, logical_id), None)
        if old == new and event is not None:
            _stack_events[event["StackId"]].remove(event)
            unchanged.add((stack_name, logical_id))
        return update(resource_type, physical_id, old, new, stack_name, logical_id, attributes)

    stacks._add_event = add
    stacks._update_keeping_seed = update_keeping_seed
