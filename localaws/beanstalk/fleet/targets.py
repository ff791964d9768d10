"""The load balancer, as far as instances need it."""

from typing import Protocol


class Targets(Protocol):
    """A load balancer's target groups; a target is a port of 127.0.0.1."""

    def set_targets(self, group: str, ports: list[int]) -> None:
        """Send the group's requests to these ports from now on. Without any it answers 503."""

    def drain(self, group: str, port: int, timeout_s: float) -> object:
        """Return once no request is inside a port that is no target any more, or after the timeout."""
