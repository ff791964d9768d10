"""One server for each engine, for all requests that leave it running."""

import pytest

from tests.server.models import model
from tests.server.process import Server

LIMITS = {"SLIPWAY_MAX_BODY_BYTES": "300000", "SLIPWAY_MAX_ROWS": "1000", "SLIPWAY_REQUEST_TIMEOUT_S": "2"}


@pytest.fixture(scope="session")
def logistic():
    with Server(model("logistic"), **LIMITS) as server:
        yield server


@pytest.fixture(scope="session")
def regression():
    with Server(model("regression"), **LIMITS) as server:
        yield server


@pytest.fixture(scope="session")
def forest():
    with Server(model("forest"), **LIMITS) as server:
        yield server


@pytest.fixture(scope="session", params=["logistic", "regression", "forest"])
def any_server(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def mixed():
    with Server(model("mixed"), **LIMITS) as server:
        yield server


@pytest.fixture(scope="session", params=["logistic", "regression", "forest", "mixed"])
def every_server(request):
    """As any_server, and one whose rows are not numbers alone."""
    return request.getfixturevalue(request.param)


@pytest.fixture(autouse=True)
def still_there(request):
    """Whatever a test sent, the same worker goes on."""
    names = ("logistic", "regression", "forest", "mixed")
    servers = [request.getfixturevalue(name) for name in names if name in request.fixturenames]
    before = [server.workers() for server in servers]
    yield
    assert [server.workers() for server in servers] == before
    for server in servers:
        assert server.ping().status == 200
