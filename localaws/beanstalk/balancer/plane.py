"""The control plane: what the embedded AWS asks of the load balancer's process."""

import asyncio
from typing import Any

from localaws.beanstalk.balancer.core import Core
from localaws.beanstalk.balancer.group import Group
from localaws.beanstalk.balancer.listener import Listener


class Plane:
    """All listeners and groups. Each public coroutine is a command, called with its fields."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._nothing = Group(core)
        self._listeners: dict[int, Listener] = {}
        self._closed: list[Listener] = []
        self._groups: dict[str, Group] = {}

    async def listen(self, port: int, group: str | None = None) -> int:
        """Accept connections for a group; return the port, which is any free one for 0. Raises OSError."""
        listener = Listener(self._core, self._nothing if group is None else self._group(group))
        await listener.listen(port)
        self._listeners[listener.port] = listener
        return listener.port

    async def route(self, port: int, group: str) -> None:
        """Send all requests of a port from now on to a group. Raises KeyError."""
        self._listeners[port].group = self._group(group)

    async def swap(self, port: int, other: int) -> None:
        """Exchange where two ports send their requests. Raises KeyError."""
        one, two = self._listeners[port], self._listeners[other]
        one.group, two.group = two.group, one.group

    async def set_targets(self, group: str, ports: list[int]) -> None:
        """Send the requests of a group to these targets alone."""
        self._group(group).set_targets(ports)

    async def drain(self, group: str, port: int, timeout_s: float) -> bool:
        """Send a target no more requests; return whether those that it has ended in time."""
        return await self._group(group).drain(port, timeout_s)

    async def counts(self, group: str) -> dict[str, Any]:
        """Return what a group answered."""
        return self._group(group).counts()

    async def close(self, port: int) -> None:
        """Accept no more connections on a port, which may be none of ours."""
        if listener := self._listeners.pop(port, None):
            listener.close()
            self._closed.append(listener)

    async def sweep(self) -> None:
        """End what takes too long, for ever."""
        while True:
            await asyncio.sleep(min(1.0, self._core.idle_s / 4))
            now = self._core.loop.time()
            for listener in (*self._listeners.values(), *self._closed):
                for front in list(listener.fronts):
                    front.check(now)
            for group in self._groups.values():
                group.sweep(now)
            self._closed = [listener for listener in self._closed if listener.fronts]

    def _group(self, name: str) -> Group:
        if name not in self._groups:
            self._groups[name] = Group(self._core)
        return self._groups[name]
