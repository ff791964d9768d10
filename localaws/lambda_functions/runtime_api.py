"""The Runtime API of one execution environment: where its process asks for events and puts the answers.

Source: "Using the Lambda runtime API for custom runtimes" in the Lambda developer guide.
"""

import json
import re
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localaws.lambda_functions.function import Invocation

MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100  # as AWS's own message names it
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_PREFIX = "/2018-06-01/runtime"
_ANSWER = re.compile(_PREFIX + r"/invocation/([^/]+)/(response|error)")
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Answer:
    """What the process posted: `size` bytes, of which `payload` has all unless there are too many."""

    payload: bytes
    size: int
    failed: bool
    error_type: str


class RuntimeApi:
    """Serves one process on a port of 127.0.0.1. One event at a time; each is taken once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._asked = False
        self._event: tuple[Invocation, float] | None = None
        self._current = ""
        self._answer: Answer | None = None
        self._init_error: Answer | None = None
        self._closed = False
        self._server = _Server(self)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def init_error(self) -> Answer | None:
        """What the process reported instead of asking for its first event."""
        return self._init_error

    @property
    def untaken(self) -> bool:
        """Whether the last event was never asked for."""
        return self._event is not None

    def wait_until_asked(self, timeout_s: float) -> bool:
        """Wait for the first request for an event; False where it does not come, for whatever reason."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._init_error or self._closed, timeout_s)
            return self._asked and not self._closed

    def run(self, invocation: Invocation, timeout_s: float) -> Answer | None:
        """Hand out an event and return the answer; None where none came in time or the process ended."""
        with self._changed:
            self._answer, self._current = None, invocation.request_id
            self._event = (invocation, time.time() + timeout_s)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answer or self._closed, timeout_s)
            self._current = ""
            return self._answer

    def end(self) -> None:
        """The process has ended: whoever waits for it need not wait longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def close(self) -> None:
        """Stop serving."""
        self.end()
        self._server.shutdown()
        self._server.server_close()

    def take(self) -> tuple[Invocation, float] | None:
        """Wait for the next event and its deadline (seconds since 1970); None once there will be none."""
        with self._changed:
            self._asked = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._event or self._closed)
            if self._closed:
                return None
            event, self._event = self._event, None
            return event

    def put(self, request_id: str, answer: Answer) -> bool:
        """Take an answer; False for one that nobody waits for."""
        with self._changed:
            if request_id != self._current:
                return False
            self._answer = answer
            self._changed.notify_all()
            return True

    def put_init_error(self, answer: Answer) -> None:
        """Take the reason why there will be no first request."""
        with self._changed:
            self._init_error = answer
            self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        """Bind without asking for this machine's name, which may take a while."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A process that was ended leaves its connection behind."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write for an answer's head and body

    def do_GET(self) -> None:
        """Hand out the next event, or let a restored snapshot go on."""
        if self.path == f"{_PREFIX}/restore/next":
            self._respond(200, b"")
            return
        if self.path != f"{_PREFIX}/invocation/next":
            self._respond(404, b"{}")
            return
        taken = self.server.api.take()
        if taken is None:
            self.close_connection = True
            return
        invocation, deadline = taken
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.arn,
        }
        if invocation.trace_id:
            headers["Lambda-Runtime-Trace-Id"] = invocation.trace_id
        self._respond(200, invocation.event, headers)

    def do_POST(self) -> None:
        """Take a response or an error."""
        size = int(self.headers.get("Content-Length") or 0)
        payload = self._read(size)
        match = _ANSWER.fullmatch(self.path)
        failed = match is None or match[2] == "error"
        answer = Answer(payload, size, failed, self.headers.get(_ERROR_TYPE, ""))
        if self.path in (f"{_PREFIX}/init/error", f"{_PREFIX}/restore/error"):
            self.server.api.put_init_error(answer)
        elif match is None:
            self._respond(404, b"{}")
            return
        elif not self.server.api.put(match[1], answer):
            self._respond(400, _error("InvalidRequestID", "Invalid request ID"))
            return
        elif size > MAX_RESPONSE_BYTES:
            self._respond(413, _error("RequestEntityTooLarge", f"Exceeded {MAX_RESPONSE_BYTES} bytes"))
            return
        self._respond(202, b'{"status":"OK"}')

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def _read(self, size: int) -> bytes:
        if size <= MAX_RESPONSE_BYTES:
            return self.rfile.read(size)
        while size > 0 and (block := self.rfile.read(min(size, _BLOCK))):
            size -= len(block)
        return b""

    def _respond(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
