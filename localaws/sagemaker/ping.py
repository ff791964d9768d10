"""The health check of a model server: one request to /ping, and what its answer means."""

import http.client
import json
from dataclasses import dataclass

_TIMEOUT_S = 2.0
_LOADING = "model_loading"  # the one code of ours that says "not yet"; every other one is final
_MAX_BODY = 16 * 1024
_MAX_MESSAGE = 600  # characters; a FailureReason has 1024 in all


@dataclass(frozen=True)
class Ping:
    """An answer to /ping: its status, None where there was no answer, and the error that its body names."""

    status: int | None
    code: str = ""
    message: str = ""

    @property
    def healthy(self) -> bool:
        """Whether the server takes requests."""
        return self.status == http.client.OK

    @property
    def verdict(self) -> str:
        """What, if it repeats, says that waiting is of no use; empty for "not yet".

        A 500 is a handler that raised. An error code in the body is the server's own word.
        """
        if self.healthy or self.code == _LOADING:
            return ""
        return self.code or ("500" if self.status == http.client.INTERNAL_SERVER_ERROR else "")

    def __str__(self) -> str:
        answered = f"answered {self.status}" if self.status else "gave no answer"
        return f"{answered} ({self.code}: {self.message})" if self.code else answered


def ping(port: int, path: str = "/ping") -> Ping:
    """Ask the model server on a port of 127.0.0.1 once, for at most the two seconds that SageMaker waits."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return Ping(answer.status, *_error(answer.read(_MAX_BODY)))
    except (OSError, http.client.HTTPException):
        return Ping(None)
    finally:
        connection.close()


def _error(body: bytes) -> tuple[str, str]:
    """Return code and message of `{"error": {"code": ..., "message": ...}}`, or two empty texts."""
    try:
        error = json.loads(body)["error"]
        return str(error["code"]), str(error["message"])[:_MAX_MESSAGE]
    except (ValueError, KeyError, TypeError):
        return "", ""
