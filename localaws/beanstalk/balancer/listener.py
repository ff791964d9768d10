"""A port of 127.0.0.1 that requests come in on, and the group that they go to."""

import asyncio

from localaws.beanstalk.balancer import request_head
from localaws.beanstalk.balancer.core import Core
from localaws.beanstalk.balancer.front import Front
from localaws.beanstalk.balancer.group import Group
from localaws.beanstalk.balancer.request_head import RequestHead

_ADDRESS = "127.0.0.1"
_BACKLOG = 1024
_MAX_KEPT_HEADS = 1024
_MAX_KEPT_HEAD_BYTES = 2048


class Listener:
    """One assignment to `group` sends all requests from then on there."""

    def __init__(self, core: Core, group: Group) -> None:
        self.group = group
        self.open = True
        self.port = 0
        self.fronts: set[Front] = set()
        self._core = core
        self._server: asyncio.Server | None = None
        # Heads say the same over and over, and mean the same each time.
        self._heads: dict[bytes, RequestHead] = {}

    async def listen(self, port: int) -> None:
        """Accept connections; port 0 is any that is free. Raises OSError."""
        self._server = await self._core.loop.create_server(
            lambda: Front(self, self._core), _ADDRESS, port, backlog=_BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Accept no more; requests that are under way are answered."""
        self.open = False
        if self._server:
            self._server.close()
        for front in list(self.fronts):
            front.close_if_idle()

    def parse(self, head: bytes) -> RequestHead:
        """Read a request's head. Raises RefusedError."""
        found = self._heads.get(head)
        if found is None:
            found = request_head.parse(head, client=_ADDRESS, port=self.port)
            if len(self._heads) >= _MAX_KEPT_HEADS:
                self._heads.clear()
            if len(head) <= _MAX_KEPT_HEAD_BYTES:
                self._heads[head] = found
        return found
