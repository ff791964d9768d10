"""Puts Elastic Beanstalk together: the API, the instances, and the load balancer."""

from localaws.beanstalk.account_client import HttpAccount
from localaws.beanstalk.balancer.balancer import Balancer
from localaws.beanstalk.fleet.fleet import Fleet
from localaws.beanstalk.fleet.host import Host, LogGroups
from localaws.beanstalk.parts import Parts
from localaws.beanstalk.running import Say
from localaws.beanstalk.service import Beanstalk
from localaws.clients import HttpLogSink, Loopback
from localaws.images.container_image import LoadedImages
from localaws.images.own import OwnImages
from localaws.ports import Ports, Scope
from localaws.sagemaker.logs import LogShipper
from localaws.state import StateFolder


def assemble(
    ports: Ports,
    loopback: Loopback,
    images: OwnImages,
    loaded: LoadedImages,
    log_groups: LogGroups,
    state: StateFolder,
    url: str,
) -> Beanstalk:
    """Return the service. Its instances write to log groups of Beanstalk's, and make none."""
    balancer = Balancer()
    shipper = LogShipper(HttpLogSink(loopback, makes_groups=False))
    host = Host(ports, images, loaded, shipper, log_groups, balancer, state.fleets, state.envs, url)

    def fleet(scope: Scope, name: str, environment_id: str, say: Say) -> Fleet:
        return Fleet(host, scope, name, environment_id, say)

    return Beanstalk(Parts(HttpAccount(loopback), ports.roles, fleet, balancer, ports.metrics))
