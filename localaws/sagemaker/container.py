"""One model server: a process that answers /ping and /invocations on a port of 127.0.0.1."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from localaws.images.prebuilt import Launch, Place
from localaws.sagemaker.archive import make_removable
from localaws.sagemaker.ping import Ping, ping

_PING_INTERVAL_S = 0.05
_MAX_STARTUP_S = 60.0  # a local bound: AWS waits up to an hour
_FINAL_PINGS = 5  # so often the same verdict: the server will not become healthy
_LOG_TAIL_LINES = 40
_RESTART_PAUSE_S = 1.0
_CLEANUP_S = 30.0
_GROUP_END_S = 0.3  # a group of killed processes lives on only where nobody collects its dead

Line = tuple[int, str]


class UnhealthyError(Exception):
    """The process ended or never answered /ping with 200; the text says which."""


class Container:
    """A process, its folder and its log. `on_lines` gets what it prints, in order, on a thread of its own.

    `on_exit` gets the exit code of one that was healthy and ended by itself, and says whether to start it
    again. `health_path` is what a health check asks.
    """

    def __init__(
        self, place: Place, on_lines: Callable[[Line], None],
        on_exit: Callable[[int], bool] = lambda _: True, health_path: str = "/ping",
    ) -> None:  # fmt: skip
        self.place = place
        self.pid: int | None = None
        self._on_line = on_lines
        self._on_exit = on_exit
        self._health_path = health_path
        self._process: subprocess.Popen[bytes] | None = None
        self._launch: Launch | None = None
        self._shown: Mapping[str, str] = {}
        self._tail: deque[str] = deque(maxlen=_LOG_TAIL_LINES)
        self._reader: threading.Thread | None = None
        self._healthy = False
        self._stopping = False
        self._lock = threading.Lock()  # a stop must not meet a restart half-way

    def start(self, launch: Launch) -> None:
        """Start the process. One that was healthy and ends by itself is started again, as on AWS."""
        self._launch = launch
        self._spawn(launch)
        supervise = threading.Thread(target=self._supervise, args=(launch,), daemon=True)
        supervise.start()

    def wait_until_healthy(self, timeout_s: float) -> None:
        """Ping until the answer is 200. Raises UnhealthyError as soon as that is out of reach."""
        deadline = time.monotonic() + min(timeout_s, _MAX_STARTUP_S)
        last, repeats = Ping(None), 0
        while time.monotonic() < deadline:
            if self._process is None or (code := self._process.poll()) is not None:
                raise UnhealthyError(f"The container exited with code {code if self._process else 'none'}.")
            before, last = last, ping(self.place.port, self._health_path)
            if last.healthy:
                self._healthy = True
                return
            repeats = repeats + 1 if last.verdict and last.verdict == before.verdict else 1
            if last.verdict and repeats >= _FINAL_PINGS:
                raise UnhealthyError(f"{self._health_path} {last}, {repeats} times in a row.")
            time.sleep(_PING_INTERVAL_S)
        raise UnhealthyError(f"{self._health_path} {last} within {min(timeout_s, _MAX_STARTUP_S):.0f} s.")

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def tail(self) -> str:
        """Return the last lines that the process printed."""
        if self._reader and not self.alive():
            self._reader.join(timeout=1)
        return "\n".join(self._tail)

    def wait(self, timeout_s: float) -> int | None:
        """Return the exit code once the process has ended by itself; None while it runs on.

        It is 128 and the signal's number for one that was killed.
        """
        if self._process is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(timeout_s)
            return code if code >= 0 else 128 - code
        return None

    def as_shown(self, text: str) -> str:
        """Return `text` with this machine's paths as they are called in the image."""
        for path, name in self._shown.items():
            text = text.replace(path, name)
        return text

    def interrupt(self) -> None:
        """Ask the process group to end."""
        self._signal(signal.SIGTERM)

    def stop(self, grace_s: float | None = None) -> None:
        """End the process group with SIGTERM, after `grace_s` with SIGKILL, and remove the folder.

        None is the time that the image has.
        """
        self.end(grace_s)
        make_removable(self.place.folder)
        shutil.rmtree(self.place.folder, ignore_errors=True)

    def end(self, grace_s: float | None = None) -> None:
        """As `stop`, but the folder stays."""
        with self._lock:
            self._stopping = True
            process = self._process
        if process is not None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(self._launch.grace_s if grace_s is None and self._launch else grace_s)
            self._signal(signal.SIGKILL)
            process.wait()
            self._wait_for_group()
            self.pid = None  # the number may come to name another process
            if process.stdin:
                process.stdin.close()
        if self._reader:
            self._reader.join(timeout=2)
        launch, self._launch = self._launch, None
        if launch:
            _clean_up(launch)
            launch.release()

    def _spawn(self, launch: Launch) -> None:
        """Start the command under a guard that ends it together with this server."""
        guard = Path(__file__).resolve().parents[1] / "guard.py"
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(guard), json.dumps(launch.cleanup), *launch.arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(launch.environment), cwd=self.place.base, start_new_session=True,
        )  # fmt: skip
        self.pid = self._process.pid
        self._shown = {str(self.place.base): "/opt/ml", **launch.shown}
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout or (),), daemon=True)
        self._reader.start()

    def _supervise(self, launch: Launch) -> None:
        while self._process is not None:
            code = self._process.wait()
            if self._stopping or not self._healthy:
                return
            self._signal(signal.SIGKILL)  # what the command left behind may still hold the port
            _clean_up(launch)
            if not self._on_exit(code):
                self._print(f"The container exited with code {code}; it is not started again.")
                return
            self._print(f"The container exited with code {code}; it is started again.")
            time.sleep(_RESTART_PAUSE_S)
            with self._lock:
                if self._stopping:
                    return
                self._spawn(launch)

    def _wait_for_group(self) -> None:
        """Wait for what the command itself started: nobody has a wait() for a grandchild."""
        deadline = time.monotonic() + _GROUP_END_S
        with suppress(ProcessLookupError, PermissionError):
            while (pid := self.pid) is not None and time.monotonic() < deadline:
                os.killpg(pid, 0)
                time.sleep(0.01)

    def _signal(self, signum: int) -> None:
        if (pid := self.pid) is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signum)

    def _read(self, stream: Iterable[bytes]) -> None:
        for raw in stream:
            self._print(self.as_shown(raw.decode(errors="replace").rstrip("\n")))

    def _print(self, text: str) -> None:
        self._tail.append(text)
        if text:
            self._on_line((time.time_ns() // 1_000_000, text))


def _clean_up(launch: Launch) -> None:
    if launch.cleanup:
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(
                launch.cleanup, env=dict(launch.environment), stdin=subprocess.DEVNULL,
                capture_output=True, timeout=_CLEANUP_S, check=False,
            )  # fmt: skip


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
