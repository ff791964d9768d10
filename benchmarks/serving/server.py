"""A server under measurement: its processes, from the start to the end of the last of them."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from slipway.errors import SlipwayError

from . import memory

_START_S = 60
_POLL_S = 0.002
_STOP_S = 8


class CouldNotRun(SlipwayError):
    """A server that did not start, or did not answer as scikit-learn itself does."""


@dataclass(frozen=True)
class Command:
    """One process to start; `environment` is all that it gets beside what every server gets."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


class Server:
    """Starts commands on entry, waits for the first 200, and ends them and all below them on exit."""

    def __init__(self, commands: list[Command], scratch: Path, port: int, ping: str) -> None:
        self.port = port
        self.seconds_to_ready = 0.0
        self._commands, self._scratch, self._ping = commands, scratch, ping
        self._processes: list[subprocess.Popen[bytes]] = []
        self._log = scratch / "log"

    def __enter__(self) -> Server:
        started = time.perf_counter()
        try:
            for command in self._commands:
                self._start(command)
            self._wait(started)
        except BaseException:
            self.stop()
            raise
        self.seconds_to_ready = time.perf_counter() - started
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def pids(self) -> list[int]:
        """Return every process of the server."""
        return memory.tree(process.pid for process in self._processes)

    def stop(self) -> None:
        """End all processes, in their own way first; those in sessions of their own as well."""
        pids = self.pids()
        for process in self._processes:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_S
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
        for process in self._processes:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pid in pids:
            if self._runs(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        while any(self._runs(pid) for pid in pids) and time.monotonic() < deadline + 1:
            time.sleep(0.01)

    def last_words(self) -> str:
        """Return what the server printed last."""
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return "\n".join(lines[-12:])

    def _start(self, command: Command) -> None:
        common = {
            "PATH": f"{Path(command.arguments[0]).parent}:/usr/bin:/bin",
            "HOME": str(self._scratch),
            "TMPDIR": str(self._scratch),
            "LC_ALL": "C.UTF-8",
            # A worker a core: libraries that start threads of their own would only get in each other's way.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        with self._log.open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command.arguments,
                    env={**common, **command.environment},
                    cwd=command.folder or self._scratch,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )

    def _wait(self, started: float) -> None:
        status: int | None = None
        while time.perf_counter() - started < _START_S:
            for process in self._processes:
                if process.poll() is not None:
                    raise CouldNotRun(f"ended with code {process.returncode}", why=self.last_words())
            status = self._asked()
            if status == http.client.OK:
                return
            time.sleep(_POLL_S)
        raise CouldNotRun(f"{self._ping} answered {status} for {_START_S} s", why=self.last_words())

    def _asked(self) -> int | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self._ping)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _runs(self, pid: int) -> bool:
        """Whether a process of this server is still there: numbers are given out again, its folder is not."""
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False
        return f"TMPDIR={self._scratch}".encode() in environment.split(b"\0")


def fail_on_termination() -> None:
    """Let SIGTERM end this process as Ctrl-C does, through every `finally`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
