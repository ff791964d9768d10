"""What can keep an event from its function, in Lambda's words."""

import json


class ThrottledError(Exception):
    """No execution environment was free in time; AWS answers TooManyRequestsException."""


class FailedError(Exception):
    """An invocation failed; `payload` is what the caller gets beside FunctionError."""

    def __init__(self, error_type: str, message: str, payload: bytes | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.payload = payload

    def answer(self, request_id: str) -> bytes:
        """Return the error as its JSON object."""
        if self.payload is not None:
            return self.payload
        told = {"errorType": self.error_type, "errorMessage": f"RequestId: {request_id} Error: {self}"}
        return json.dumps(told).encode()
