"""The server as a process on a port of this machine, and what the kernel says about it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.server.models import ModelFolder

ROOT = Path(__file__).parents[2]
VERSION, VARIANT = "0123456789ab", "champion"


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]


class Server:
    """`python -m serving.server serve`, from `with` to its end.

    Args:
        model: what it serves.
        workers: how many processes.
        environment: more variables.
        wait: until it answers on /ping, whatever it says.
        options: for Popen, e.g. where its log goes; default: a file that `log` reads.
    """

    def __init__(
        self,
        model: ModelFolder,
        workers: int = 1,
        *,
        wait: bool = True,
        options: Any = None,
        **environment: str,
    ) -> None:
        self.port = free_port()
        self._wait = wait
        # Appended to, as workers may write at the same time.
        self._log = tempfile.TemporaryFile("ab+")  # noqa: SIM115 - closed in __exit__
        self._options = {"stdout": self._log, "stderr": self._log, **(options or {})}
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "model_code"),
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "SM_MODEL_DIR": str(model.path),
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            "SLIPWAY_BIND_HOST": "127.0.0.1",
            "SAGEMAKER_MODEL_SERVER_WORKERS": str(workers),
            "SLIPWAY_MANIFEST_SHA256": model.sha256,
            "SLIPWAY_MODEL_VERSION": VERSION,
            "SLIPWAY_VARIANT": VARIANT,
            **environment,
        }
        self.process: subprocess.Popen[bytes]

    def __enter__(self) -> Server:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "serving.server", "serve"], env=self._environment, **self._options
        )
        try:
            if self._wait:
                self.ping(within_s=60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        workers = self.workers() if self.process.poll() is None else []
        self.process.terminate()
        try:
            self.process.wait(timeout=35)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for worker in workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        self._log.close()

    def ping(self, *, within_s: float = 5) -> Reply:
        """Return the first answer to /ping, whatever it says."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                return self.ask("GET", "/ping")
            except OSError:
                assert self.process.poll() is None, f"the server ended: {self.log()}"
                assert time.monotonic() < deadline, f"no answer on /ping: {self.log()}"
                time.sleep(0.02)

    def ask(self, method: str, path: str, body: Any = None, timeout_s: float = 30, **headers: str) -> Reply:
        """Send one request on a connection of its own; `content_type=` becomes Content-Type."""
        return ask(self.port, method, path, body, timeout_s, **headers)

    def predict(self, body: Any, content_type: str = "text/csv", **headers: str) -> Reply:
        return self.ask("POST", "/invocations", body, content_type=content_type, **headers)

    def connect(self, timeout_s: float = 10) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)

    def workers(self) -> list[int]:
        return children(self.process.pid)

    def log(self) -> str:
        self._log.flush()
        with open(f"/proc/self/fd/{self._log.fileno()}", "rb") as file:  # noqa: PTH123 - a position of its own
            return file.read().decode()


def ask(port: int, method: str, path: str, body: Any = None, timeout_s: float = 30, **headers: str) -> Reply:
    """Send one request to a port of this machine on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def memory_kb(process: int, name: str = "VmRSS") -> int:
    """Return a line of /proc/PID/status: VmRSS is now, VmHWM the most since it was reset."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


def reset_peak(process: int) -> None:
    Path(f"/proc/{process}/clear_refs").write_text("5")


def until(condition: Any, within_s: float = 10, what: str = "") -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what or "it never held"
        time.sleep(0.02)
