"""A target group: where requests go in turn, and what its targets and it itself answered."""

from collections.abc import Collection
from typing import Any

from localaws.beanstalk.balancer.core import Core
from localaws.beanstalk.balancer.counters import Counters, summary
from localaws.beanstalk.balancer.target import Target


class Group:
    """Targets by their port. One that is taken out keeps its requests until they end."""

    def __init__(self, core: Core) -> None:
        self.own_answers = Counters()
        self._core = core
        self._targets: dict[int, Target] = {}
        self._leaving: dict[int, Target] = {}
        self._in_turn: list[Target] = []
        self._turn = 0

    def choose(self, tried: Collection[Target]) -> Target | None:
        """Return the next target that was not tried; None where there is none."""
        for _ in self._in_turn:
            self._turn = (self._turn + 1) % len(self._in_turn)
            target = self._in_turn[self._turn]
            if target not in tried:
                return target
        return None

    def set_targets(self, ports: Collection[int]) -> None:
        """Send requests from now on to these alone."""
        for port in self._targets.keys() - set(ports):
            self._leave(port)
        for port in ports:
            if port not in self._targets:
                self._targets[port] = Target(port, self._core)
        self._in_turn = list(self._targets.values())

    async def drain(self, port: int, timeout_s: float) -> bool:
        """Take a target out; return once its requests have ended, False where they were cut off."""
        if port in self._targets:
            self._leave(port)
            self._in_turn = list(self._targets.values())
        target = self._leaving.get(port)
        if target is None:
            return True
        ended = await target.ended(timeout_s)
        if self._leaving.get(port) is target:
            del self._leaving[port]
        return ended

    def sweep(self, now: float) -> None:
        """Close connections that have been idle for too long; forget targets that have ended."""
        for target in self._targets.values():
            for connection in target.idle[:]:
                connection.close_if_idle(now)
        self._leaving = {port: target for port, target in self._leaving.items() if target.in_flight}

    def counts(self) -> dict[str, Any]:
        """Return what was answered: by each target, by the load balancer itself, and in all."""
        now = self._core.loop.time()
        targets = {port: target.counters for port, target in (self._leaving | self._targets).items()}
        return {
            "targets": {
                str(port): {**summary([counters], now), "in_flight": self._in_flight(port)}
                for port, counters in targets.items()
            },
            "load_balancer": summary([self.own_answers], now),
            "all": summary([self.own_answers, *targets.values()], now),
        }

    def _in_flight(self, port: int) -> int:
        return sum(found[port].in_flight for found in (self._targets, self._leaving) if port in found)

    def _leave(self, port: int) -> None:
        target = self._leaving[port] = self._targets.pop(port)
        target.leave()
