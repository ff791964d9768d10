"""The load balancer of the embedded AWS, in front of one server, until this process is ended."""

from __future__ import annotations

import os
import signal
import sys

from localaws.beanstalk.balancer.balancer import Balancer


def main() -> None:
    """Listen on the first port, send everything to the second."""
    balancer = Balancer()
    balancer.set_targets("bench", [int(sys.argv[2])])
    balancer.route(balancer.listen(int(sys.argv[1])), "bench")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.pause()


if __name__ == "__main__":
    main()
