"""The load balancer's process: commands as lines of JSON on standard input, answers on standard output.

A command is {"id": 1, "do": "route", "with": {…}}, its answer {"id": 1, "result": …} or
{"id": 1, "error": "…"}. The end of the input is the end of the process, so that none outlives its parent.
"""

import asyncio
import gc
import json
import resource
import sys
from contextlib import suppress
from typing import Any

from localaws.beanstalk.balancer.core import Core
from localaws.beanstalk.balancer.plane import Plane

_MOST_FILES = 10_240  # as many as macOS gives any process


class Commands(asyncio.Protocol):
    """Reads commands and runs each as a task: a drain must not hold up what follows."""

    def __init__(self, plane: Plane, ended: asyncio.Event) -> None:
        self._plane, self._ended = plane, ended
        self._held = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def data_received(self, data: bytes) -> None:
        """Take whole lines."""
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            task = asyncio.get_running_loop().create_task(self._run(json.loads(line)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """The parent has gone."""
        self._ended.set()

    async def _run(self, command: dict[str, Any]) -> None:
        answer: dict[str, Any] = {"id": command["id"]}
        try:
            answer["result"] = await getattr(self._plane, command["do"])(**command["with"])
        except Exception as error:  # the parent says what was asked, and why it failed
            answer["error"] = f"{type(error).__name__}: {error}"
        with suppress(BrokenPipeError):
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


async def serve(idle_s: float) -> None:
    """Serve until standard input ends."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    plane = Plane(Core(loop, idle_s))
    sweep = loop.create_task(plane.sweep())
    await loop.connect_read_pipe(lambda: Commands(plane, ended), sys.stdin)
    gc.collect()
    gc.freeze()
    await ended.wait()
    sweep.cancel()


def main() -> None:
    """Run."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    asyncio.run(serve(float(sys.argv[1])))


if __name__ == "__main__":
    main()
