"""The caller's mistakes, in one JSON shape on every target."""

from __future__ import annotations

from typing import Any


class RequestError(Exception):
    """A request that cannot be answered because of what it says.

    Args:
        code: a stable word for programs, e.g. `not_a_number`.
        message: what was received and what is allowed.
        status: the HTTP status, 4xx.
        row: which row, counted from 1.
        column: the feature's name.
        hint: what to do about it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        row: int | None = None,
        column: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.row, self.column, self.hint = row, column, hint

    def body(self) -> dict[str, Any]:
        """Return `{"error": {...}}` with the members that apply."""
        members = {
            "code": self.code,
            "message": self.message,
            "row": self.row,
            "column": self.column,
            "hint": self.hint,
        }
        return {"error": {name: value for name, value in members.items() if value is not None}}


class ModelNotReady(Exception):
    """The model could not be loaded; the text says why, on the last line of the container's log."""


class NotVerified(Exception):
    """A file of the model is not the one that its manifest names, so nothing of it is loaded."""
