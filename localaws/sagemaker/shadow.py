"""Copies of requests for shadow variants, off the caller's path: their answers go nowhere."""

import asyncio
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from localaws.ports import Scope
from localaws.sagemaker.fleet import Fleet
from localaws.sagemaker.metrics import Invocation, InvocationMeter
from localaws.sagemaker.model_client import ModelClient, NoAnswer

# A shadow that hangs holds this much and no more; what does not fit is dropped, and its log says how many.
_SENDERS = 16
_MAX_COPIES = 10_000
_MAX_BYTES = 64 * 1024 * 1024
_MAX_WAIT_S = 60.0
_NOTE_INTERVAL_S = 1.0


@dataclass(frozen=True)
class Copy:
    """One request to repeat, and when the caller sent it."""

    scope: Scope
    endpoint: str
    headers: Mapping[str, str]
    body: bytes
    taken: float = field(default_factory=time.monotonic)


@dataclass
class _Line:
    """The copies that wait for one fleet; `size` counts those under way too."""

    waiting: deque[Copy] = field(default_factory=deque)
    senders: set[asyncio.Task[None]] = field(default_factory=set)
    size: int = 0
    dropped: int = 0
    noted: float = 0.0


class Mirror:
    """Sends copies to shadow fleets. `add` returns at once and never fails, whatever the shadow does."""

    def __init__(self, client: ModelClient, meter: InvocationMeter) -> None:
        self._client = client
        self._meter = meter
        self._lines: dict[Fleet, _Line] = {}

    def add(self, fleet: Fleet, copy: Copy) -> None:
        """Take one copy, or drop it where too many wait."""
        line = self._lines.setdefault(fleet, _Line())
        if len(line.waiting) >= _MAX_COPIES or line.size + len(copy.body) > _MAX_BYTES:
            _drop(fleet, line)
            return
        line.waiting.append(copy)
        line.size += len(copy.body)
        if len(line.senders) < _SENDERS:
            sender = asyncio.create_task(self._send_waiting(fleet, line))
            line.senders.add(sender)  # the loop itself keeps only a weak reference
            sender.add_done_callback(lambda done: self._ended(fleet, line, done))

    async def _send_waiting(self, fleet: Fleet, line: _Line) -> None:
        while line.waiting:
            copy = line.waiting.popleft()
            try:
                if time.monotonic() - copy.taken > _MAX_WAIT_S or not fleet.enter():
                    _drop(fleet, line)
                    continue
                await self._send(fleet, copy)
            finally:
                line.size -= len(copy.body)

    async def _send(self, fleet: Fleet, copy: Copy) -> None:
        sent, status = time.perf_counter(), 0
        try:
            status, _, _ = await self._client.send(fleet, copy.headers, copy.body)
        except NoAnswer:
            pass  # counted below as an error of the shadow: there is no caller to tell
        finally:
            fleet.leave()
        if not status and fleet.draining:
            return  # taken down meanwhile, which is no error of the model
        model_us = (time.perf_counter() - sent) * 1e6
        self._meter.add(Invocation(copy.scope, copy.endpoint, fleet.variant.name, status, model_us, 0.0))

    def _ended(self, fleet: Fleet, line: _Line, sender: asyncio.Task[None]) -> None:
        line.senders.discard(sender)
        if not line.senders:
            _note(fleet, line)
            self._lines.pop(fleet, None)


def _drop(fleet: Fleet, line: _Line) -> None:
    line.dropped += 1
    if time.monotonic() - line.noted > _NOTE_INTERVAL_S:
        _note(fleet, line)


def _note(fleet: Fleet, line: _Line) -> None:
    if line.dropped:
        fleet.note(f"Requests that were not copied to this slow or absent shadow variant: {line.dropped}.")
        line.dropped, line.noted = 0, time.monotonic()
