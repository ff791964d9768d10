"""A load balancer for each file of tests, and ports of it for each test."""

from __future__ import annotations

import pytest

from localaws.beanstalk.balancer.balancer import Balancer


@pytest.fixture(scope="module")
def balancer():
    balancer = Balancer()
    kept = balancer.listen()  # the process stays for all tests of the file
    yield balancer
    balancer.close(kept)
    assert balancer.pid is None


@pytest.fixture
def behind(request):
    """Return a port behind which these targets are, in a group of the test's own."""
    opened = []

    def make(balancer, *targets):
        port = balancer.listen()
        balancer.set_targets(request.node.name, list(targets))
        balancer.route(port, request.node.name)
        opened.append((balancer, port))
        return port

    yield make
    for balancer, port in opened:
        balancer.close(port)


@pytest.fixture
def group(request):
    return request.node.name
