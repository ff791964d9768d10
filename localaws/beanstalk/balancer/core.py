"""What every connection of the load balancer shares."""

import asyncio
from dataclasses import dataclass, field

from localaws.beanstalk.balancer.response_head import Dates

# One read at a time goes through it: each is copied out before the next.
READ_BUFFER = memoryview(bytearray(256 * 1024))
MAX_HELD_BYTES = 64 * 1024


@dataclass(frozen=True)
class Core:
    """The event loop and the times, in seconds, that are bounded.

    Args:
        idle_s: ALB's idle timeout: nothing came or went on a connection; also how long a head may take.
        connect_s: to a target.
        linger_s: how long a client whose request was refused early may go on sending.
    """

    loop: asyncio.AbstractEventLoop
    idle_s: float = 60.0
    connect_s: float = 10.0
    linger_s: float = 5.0
    dates: Dates = field(default_factory=Dates)
