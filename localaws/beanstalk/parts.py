"""What every environment of this server shares."""

from dataclasses import dataclass

from localaws.beanstalk.account import Account
from localaws.beanstalk.running import FleetFactory, Routes
from localaws.ports import MetricSink, RoleSessions

PRINCIPAL = "elasticbeanstalk.amazonaws.com"


@dataclass(frozen=True)
class Parts:
    """The account's other services, the load balancer, and what makes fleets."""

    account: Account
    roles: RoleSessions
    fleet: FleetFactory
    routes: Routes
    metrics: MetricSink
