"""A bounded load on one endpoint, for the tests that change it meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any


class Load:
    """Sends requests from a few threads until it has sent enough and the change is over.

    Args:
        invoke: sends one request and returns its answer; an exception counts as a failure.
        requests: how many at least.
        limit_s: when to stop in any case, in seconds.
    """

    def __init__(self, invoke: Any, *, requests: int = 1000, threads: int = 4, limit_s: float = 120) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._invoke, self._wanted, self._limit_s = invoke, requests, limit_s
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(threads)]

    def __enter__(self) -> Load:
        self._deadline = time.monotonic() + self._limit_s
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def sent(self) -> int:
        """How many requests have ended, well or not."""
        return sum(self.answers.values()) + len(self.failures)

    def _send(self) -> None:
        while time.monotonic() < self._deadline:
            if self._over.is_set() and self.sent >= self._wanted:
                return
            try:
                answer = self._invoke()
                with self._lock:
                    self.answers[answer] += 1
            except Exception as error:
                with self._lock:
                    self.failures.append(f"{type(error).__name__}: {error}")
