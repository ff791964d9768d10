"""How AWS's times become this machine's: what takes minutes there takes seconds here.

A second of health checks is 20 ms: an instance that AWS asks every 15 s is asked every 0.3 s, and as often
in a row as there. A second of the command timeout is 0.1 s: 600 s are 60 s.
"""

from localaws.beanstalk.running import Deployment

_CHECK_SCALE = 1 / 50
_TIMEOUT_SCALE = 1 / 10
_LEAST_INTERVAL_S = 0.05


def interval_s(deployment: Deployment) -> float:
    """Return the time between two health checks of an instance."""
    return max(_LEAST_INTERVAL_S, deployment.health_interval_s * _CHECK_SCALE)


def timeout_s(deployment: Deployment) -> float:
    """Return how long a deployment may take on one instance."""
    return deployment.command_timeout_s * _TIMEOUT_SCALE
