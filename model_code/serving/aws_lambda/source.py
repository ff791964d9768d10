"""Where the function's model comes from: the package, or S3."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from ..doors.served import NotReady, Served, load
from .log import say_problem
from .settings import FunctionSettings


class Current(NamedTuple):
    """The model in force, or why there is none."""

    version: str
    served: Served | NotReady


class ModelSource(Protocol):
    """Gives the model for a request."""

    def current(self) -> Current:
        """Return the model in force now."""
        ...

    def candidate(self, pointer: Any) -> AbstractContextManager[Current]:
        """Return the model that a pointer names, for as long as the block lasts; the one in force stays.

        Raises:
            ValueError: the pointer is none, or this source has none.
        """
        ...


class PackagedModel:
    """The model beside the code: loaded once, and never another."""

    def __init__(self, settings: FunctionSettings) -> None:
        served = load(settings.model_dir, settings.manifest_sha256, settings.max_rows)
        self._current = Current(settings.version, served)
        if isinstance(served, NotReady):
            say_problem(served.code, served.message, model_version=settings.version)

    def current(self) -> Current:
        """Return the model."""
        return self._current

    def candidate(self, pointer: Any) -> AbstractContextManager[Current]:  # noqa: ARG002 - as in ModelSource
        """Refuse it."""
        raise ValueError("The model is in this function's package: there is no candidate to try.")


def source_of(settings: FunctionSettings) -> ModelSource:
    """Return the source that the settings name, with its model loaded."""
    if settings.s3 is None:
        return PackagedModel(settings)
    from .s3_model import S3Model, s3_client

    return S3Model(settings.s3, settings.max_rows, s3_client())
