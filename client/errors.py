"""What can go wrong when an app asks a model, as types."""

from __future__ import annotations

import json
from typing import Any


class ClientError(Exception):
    """The base of all; its text says what happened."""


class EndpointNotFound(ClientError):
    """The model is not deployed where the client looks, or is not in service."""


class AccessDenied(ClientError):
    """The caller's role or user may not do this."""


class Unavailable(ClientError):
    """The service did not answer, after retries. Trying again later may help."""


class ModelFailed(ClientError):
    """The model's container failed on this request: a 5xx, or no answer in time."""


class RequestRefused(ClientError):
    """The request is wrong, a 4xx: it will be refused again.

    Args:
        message: what was received and what is allowed.
        code: a stable word, e.g. `not_a_number`.
        row: which row, counted from 1, where one is to blame.
        column: the feature's name, where one is to blame.
        hint: what to do about it.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "refused",
        row: int | None = None,
        column: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.row, self.column, self.hint = code, row, column, hint

    @classmethod
    def from_body(cls, body: str) -> RequestRefused:
        """Read an error body: ours, or whatever text another image answers with."""
        try:
            error: dict[str, Any] = json.loads(body)["error"]
            members = {name: error.get(name) for name in ("row", "column", "hint")}
            return cls(str(error["message"]), code=str(error["code"]), **members)
        except (ValueError, KeyError, TypeError):
            return cls(body.strip()[:500] or "the model refused the request")
