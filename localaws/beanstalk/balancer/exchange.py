"""One request, from its head to the end of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localaws.beanstalk.balancer.core import MAX_HELD_BYTES, Core

if TYPE_CHECKING:
    from localaws.beanstalk.balancer.connection import Connection
    from localaws.beanstalk.balancer.front import Front
    from localaws.beanstalk.balancer.group import Group
    from localaws.beanstalk.balancer.request_head import RequestHead
    from localaws.beanstalk.balancer.target import Target

_MOST_ATTEMPTS = 3


class Exchange:
    """Chooses a target, and another attempt where that cannot do anything twice.

    A request is sent again only while nothing of an answer has come, and if its target cannot have read it
    (no connection, or a reset: what was sent was not read to its end), or if it may be repeated by its method
    and the connection, kept from an earlier request, was closed by the target. Inferred: ALB answers some of
    these with 502.

    Args:
        front: the client's connection.
        message: the head for the target, and what there is of the body.
        whole: whether that is all of it.
    """

    __slots__ = (
        "_attempts", "_core", "_group", "_message", "_over", "_started", "_target", "_tried",
        "connection", "front", "head", "keep", "whole",
    )  # fmt: skip

    def __init__(
        self, core: Core, front: Front, group: Group, head: RequestHead, message: bytes, *, whole: bool
    ) -> None:
        self.front, self.head, self.whole = front, head, whole
        self.keep = True
        self.connection: Connection | None = None
        self._core, self._group, self._message = core, group, message
        self._target: Target | None = None
        self._tried: list[Target] = []
        self._attempts = 0
        self._over = False
        self._started = core.loop.time()

    def begin(self, *, failed: int = 503, fresh: bool = False) -> None:
        """Send the request to the next target; `failed` is the answer where there is none."""
        target = self._target = self._group.choose(self._tried)
        if target is None:
            self._answer_self(failed)
            return
        target.begin()
        self._attempts += 1
        # What cannot be sent again does not go over a connection that may just be closing.
        if target.idle and not fresh and self.whole and len(self._message) <= MAX_HELD_BYTES:
            self.connected(target.idle.pop())
        else:
            target.connect(self)

    def connected(self, connection: Connection) -> None:
        """Send what there is."""
        if self._over:
            connection.close()
            return
        self.connection = connection
        message = self._message
        if not self.whole or len(message) > MAX_HELD_BYTES:
            self._message = b""
        if not self.whole:
            self.front.resume_reading()  # before it is sent, which may pause it again
        connection.send(self, message)

    def more(self, data: bytes, *, last: bool) -> None:
        """Take more of the body."""
        self.whole = last
        if self.connection:
            self.connection.transport.write(data)
        else:
            self._message += data
            if len(self._message) > MAX_HELD_BYTES:
                self.front.pause_reading()

    def keeps_client(self) -> bool:
        """Decide, as the answer begins, whether the client's connection goes on after it."""
        self.keep = self.front.may_go_on()
        return self.keep

    def answered(self, status: int) -> None:
        """The whole answer has been passed on."""
        if self._target:
            now = self._core.loop.time()
            self._target.counters.count(status, now - self._started, now)
        self._leave()
        self.front.finish(keep=self.keep)

    def unreachable(self, status: int) -> None:
        """There is no connection to the target: nothing was sent, so another may be asked."""
        if self._over:
            return
        if self._target:
            self._tried.append(self._target)
            self._target.end()
            self._target = None
        self.begin(failed=status)

    def lost(self, connection: Connection, *, unread: bool) -> None:
        """The target has broken off."""
        if self._over:
            return
        if connection.answering:
            self.malformed(begun=True)
            return
        repeatable = unread or (connection.reused and self.head.idempotent)
        if repeatable and self._message and self._attempts < _MOST_ATTEMPTS:
            self.connection = None
            if self._target:
                self._target.end()
                self._target = None
            self.begin(failed=502, fresh=True)
        else:
            self._answer_self(502)

    def malformed(self, *, begun: bool) -> None:
        """The target's answer is none, or ends too early."""
        if begun:
            self._count(502)
            self._leave()
            self.front.break_off()
        else:
            self._answer_self(502)

    def give_up(self, status: int | None) -> None:
        """Stop: the client has gone (None), is refused, or the target takes too long."""
        connection, self.connection = self.connection, None
        if connection:
            connection.exchange = None
            connection.close()
        if status is None:
            self._leave()
        elif connection and connection.answering:
            self.malformed(begun=True)
        else:
            self._answer_self(status)

    def _answer_self(self, status: int) -> None:
        self._count(status)
        self._leave()
        self.front.answer(status)

    def _count(self, status: int) -> None:
        now = self._core.loop.time()
        self._group.own_answers.count(status, now - self._started, now)

    def _leave(self) -> None:
        self._over, self.connection = True, None
        if self._target:
            self._target.end()
            self._target = None
