"""Which properties a change of which replaces a resource, from CloudFormation's own registry schemas."""

import threading
from collections.abc import Iterator
from functools import cached_property

_lock = threading.Lock()


class CreateOnly:
    """The create-only top-level properties of one type: a collection that is read when somebody first looks.

    The schemas come with cfn-lint, whose import takes well over a second; a server start must not wait for
    it.
    """

    def __init__(self, resource_type: str, region: str = "us-east-1") -> None:
        self._resource_type = resource_type
        self._region = region

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _names(self) -> frozenset[str]:
        with _lock:
            from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(self._region, self._resource_type).schema
        pointers = schema.get("createOnlyProperties", [])
        return frozenset(pointer.split("/")[2] for pointer in pointers)  # "/properties/ModelName"
