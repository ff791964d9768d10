"""The module that awslambdaric is built from C++ on Linux alone, for other systems. Standard library only.

It runs in a function's process, which finds it where the real one is missing: the same functions, with the
headers of the Runtime API.
"""

import http.client
import os

_PREFIX = "/2018-06-01/runtime/invocation"
_DEADLINE = "Lambda-Runtime-Deadline-Ms"
_connections: list[http.client.HTTPConnection] = []


def initialize_client(_user_agent: str) -> None:
    """Remember where the Runtime API is."""
    _connections[:] = [http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])]


def next() -> tuple[bytes, dict[str, str | int]]:
    """Wait for an event; return it with the headers that came with it."""
    _connections[0].request("GET", f"{_PREFIX}/next")
    response = _connections[0].getresponse()
    body = response.read()
    if response.status != http.client.OK:
        raise RuntimeError(f"Failed to get next invocation: {response.status}")
    headers: dict[str, str | int] = dict(response.getheaders())
    headers[_DEADLINE] = int(headers[_DEADLINE])
    return body, headers


def post_invocation_result(
    invoke_id: str, result: bytes, content_type: str, _invocation_id: str | None = None
) -> None:
    """Give an event's answer."""
    _post(f"{_PREFIX}/{invoke_id}/response", result, {"Content-Type": content_type})


def post_error(invoke_id: str, error: str, xray: str, _invocation_id: str | None = None) -> None:
    """Give the error that an event led to."""
    _post(
        f"{_PREFIX}/{invoke_id}/error",
        error.encode(),
        {"Content-Type": "application/json", "Lambda-Runtime-Function-XRay-Error-Cause": xray},
    )


def _post(path: str, body: bytes, headers: dict[str, str]) -> None:
    _connections[0].request("POST", path, body, headers)
    response = _connections[0].getresponse()
    response.read()
    if response.status != http.client.ACCEPTED:
        raise RuntimeError(f"Failed to post to {path}: {response.status}")
