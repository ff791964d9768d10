"""CloudFormation resource types that this package adds, as a table of handlers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from localaws.ports import Scope

Properties = Mapping[str, Any]
Created = tuple[str, dict[str, Any]]


class HandlerError(Exception):
    """A resource operation failed; the text becomes the stack event's reason."""

    def __init__(self, text: str) -> None:
        super().__init__(f'Resource handler returned message: "{text}"')


@dataclass(frozen=True)
class Context:
    """What a handler knows beside the properties; `generated_name` is for resources that the template leaves
    unnamed.

    It is lower case and at most 63 characters, and another one after a replacement.
    """

    scope: Scope
    generated_name: str


class ResourceHandler(Protocol):
    """Creates, updates and deletes one resource type. Each returns or takes (physical id, GetAtt attributes).

    All run on worker threads and may block. Each raises HandlerError. `update` is called only for changes
    that the type's registry schema allows in place.
    """

    def create(self, props: Properties, context: Context) -> Created:
        """Make the resource; on failure nothing of it stays."""

    def update(self, physical_id: str, old: Properties, new: Properties, context: Context) -> Created:
        """Change the resource in place; on failure it stays as it was."""

    def delete(self, physical_id: str, props: Properties, context: Context) -> None:
        """Remove the resource; one that is already gone is fine."""


@dataclass(frozen=True)
class ResourceType:
    """One row of the table: the type's name, the property that names a resource, and the handler."""

    name: str
    name_property: str
    handler: ResourceHandler
