"""The load balancer, as the rest of the embedded AWS sees it: its process, and what it can be told."""

import json
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from localaws.errors import BalancerError

_ROOT = Path(__file__).resolve().parents[3]
_ANSWER_S = 10.0
_STOP_S = 2.0
_STABLE_S = 1.0  # one that ends sooner would only end again


class Balancer:
    """One process for all environments. Every method may be called from any thread.

    The process runs while there is a port to listen on, and is started again where it ends by itself. Its
    listeners are on 127.0.0.1 alone, and answer only requests for local names.

    Args:
        idle_timeout_s: ALB's idle timeout, in seconds.
    """

    def __init__(self, *, idle_timeout_s: float = 60.0) -> None:
        self._idle_timeout_s = idle_timeout_s
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._routes: dict[int, str | None] = {}
        self._targets: dict[str, list[int]] = {}
        self._answers: dict[int, dict[str, Any]] = {}
        self._answered = threading.Condition()
        self._last = 0

    @property
    def pid(self) -> int | None:
        """The process, where it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process where it does not run; `listen` does it as well."""
        with self._lock:
            if self._process:
                return
            self._process = subprocess.Popen(
                [sys.executable, "-m", __package__, str(self._idle_timeout_s)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT,
            )  # fmt: skip
            threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
            for group, ports in self._targets.items():
                self._ask("set_targets", group=group, ports=ports)
            for port, routed in self._routes.items():  # of a process that has ended by itself
                self._ask("listen", port=port, group=routed)

    def listen(self, port: int = 0) -> int:
        """Accept connections on a port of 127.0.0.1, any free one for 0, and return it.

        What comes in is answered with 503 until `route` says where it goes. Raises BalancerError.
        """
        with self._lock:
            self.start()
            found = int(self._ask("listen", port=port))
            self._routes[found] = None
            return found

    def route(self, port: int, group: str) -> None:
        """Send all requests of a port from now on to a group. Raises BalancerError."""
        with self._lock:
            self._ask("route", port=port, group=group)
            self._routes[port] = group

    def swap(self, port: int, other: int) -> None:
        """Exchange where two ports send their requests, at once. Raises BalancerError."""
        with self._lock:
            self._ask("swap", port=port, other=other)
            self._routes[port], self._routes[other] = self._routes[other], self._routes[port]

    def set_targets(self, group: str, ports: list[int]) -> None:
        """Send the requests of a group from now on to these ports of 127.0.0.1 alone, in turn.

        A port that is left out keeps the requests that it has. Raises BalancerError.
        """
        with self._lock:
            self._targets[group] = list(ports)
            if not ports:
                del self._targets[group]
            if self._process:
                self._ask("set_targets", group=group, ports=list(ports))

    def drain(self, group: str, port: int, timeout_s: float) -> bool:
        """Send a target no more requests, and return once those that it has have ended.

        It may have been left out by `set_targets` before. What has not ended within `timeout_s` is cut off,
        and the answer is False. Raises BalancerError.
        """
        with self._lock:
            if port in self._targets.get(group, ()):
                self._targets[group].remove(port)
            if not self._process:
                return True
        return bool(self._ask("drain", wait_s=timeout_s, group=group, port=port, timeout_s=timeout_s))

    def counts(self, group: str) -> dict[str, Any]:
        """Return what was answered: {"targets": {"<port>": …}, "load_balancer": …, "all": …}.

        Each has "requests" and "total" ({"2xx": …, "5xx": …}) since the target is there, and "recent", of the
        last ten seconds: the classes and "latency_s" ({"p10": …, "p99.9": …}, right to about a tenth). A
        target has "in_flight" too. Raises BalancerError.
        """
        if not self._process:
            return {"targets": {}}
        found: dict[str, Any] = self._ask("counts", group=group)
        return found

    def close(self, port: int) -> None:
        """Accept no more connections on a port. With the last port the process ends."""
        with self._lock:
            self._routes.pop(port, None)
            if self._process and self._routes:
                self._ask("close", port=port)
            else:
                self.stop()

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            process, self._process = self._process, None
            self._routes.clear()
        if process is None:
            return
        if process.stdin:
            with suppress(OSError):
                process.stdin.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _ask(self, command: str, *, wait_s: float = 0.0, **fields: Any) -> Any:
        with self._lock:
            process = self._process
            self._last += 1
            number = self._last
            line = json.dumps({"id": number, "do": command, "with": fields}).encode() + b"\n"
            try:
                if process is None or process.stdin is None:
                    raise BrokenPipeError("it does not run")
                process.stdin.write(line)
                process.stdin.flush()
            except OSError as error:
                raise BalancerError(command, f"its process has ended: {error}") from error
        with self._answered:
            self._answered.wait_for(
                lambda: number in self._answers or process.poll() is not None, wait_s + _ANSWER_S
            )
            answer = self._answers.pop(number, None)
        if answer is None:
            raise BalancerError(command, "no answer came in time, or its process has ended")
        if "error" in answer:
            raise BalancerError(command, str(answer["error"]))
        return answer["result"]

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        started = time.monotonic()
        for line in process.stdout or ():
            answer = json.loads(line)
            with self._answered:
                self._answers[answer["id"]] = answer
                self._answered.notify_all()
        process.wait()
        with self._answered:
            self._answered.notify_all()
        if process is self._process and time.monotonic() - started > _STABLE_S:
            self._revive(process)

    def _revive(self, process: subprocess.Popen[bytes]) -> None:
        """Start again what has ended by itself; should that fail, the next `listen` tries once more."""
        with self._lock:
            if process is not self._process:
                return
            self._process = None
            with suppress(BalancerError, OSError):
                self.start()
