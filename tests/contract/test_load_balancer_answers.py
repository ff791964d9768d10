"""Behind the load balancer of Elastic Beanstalk the server gives the answers that it gives without it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from schemathesis import GenerationMode

from localaws.beanstalk.balancer.balancer import Balancer
from tests.contract.door_requests import ACCEPTS, CSV, JSON, LINES_OF_DATA, REQUESTS
from tests.contract.test_server_openapi import bounded, conforms, schema_of
from tests.server.models import model
from tests.server.process import VERSION, Reply, Server, ask
from tests.server.requests import ROW
from tests.server.wire import check_error

GROUP = "slipway-test"
LIMIT = 25 * 1024 * 1024
# What AWS's load balancer or the server says of one connection or moment alone.
HEADERS = ("content-type", "x-slipway-model-version", "x-slipway-variant", "allow", "content-length")


@dataclass(frozen=True)
class Door:
    """A port that answers, as the server does."""

    port: int

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        return ask(self.port, method, path, body, **headers)


@pytest.fixture(scope="module")
def balancer() -> Iterator[Balancer]:
    balancer = Balancer()
    try:
        yield balancer
    finally:
        balancer.stop()


@pytest.fixture
def behind(balancer: Balancer, request: pytest.FixtureRequest) -> Iterator[tuple[Server, Door]]:
    """A server, and the load balancer's port that leads to it."""
    server = request.getfixturevalue(request.param)
    port = balancer.listen()
    balancer.set_targets(GROUP, [server.port])
    balancer.route(port, GROUP)
    yield server, Door(port)
    balancer.close(port)


every = pytest.mark.parametrize("behind", ["logistic", "regression", "forest", "mixed"], indirect=True)


def same(behind: tuple[Server, Door], method: str, path: str, body: object = None, **headers: str) -> Reply:
    server, door = behind
    direct, reply = (place.ask(method, path, body, **headers) for place in (server, door))
    shown = f"{method} {path} {body!r:.100} {headers}"
    assert reply.status == direct.status, shown
    assert reply.body == direct.body, shown
    assert {name: reply.headers.get(name) for name in HEADERS} == {
        name: direct.headers.get(name) for name in HEADERS
    }, shown
    if reply.status >= 400:
        check_error(reply)
    return reply


@every
def test_every_form_of_a_question_and_every_mistake_is_answered_as_without_it(behind) -> None:
    for path in ("/invocations", "/predict", "/probabilities"):
        for body, content_type in REQUESTS:
            same(behind, "POST", path, body, content_type=content_type)
        for accept in ACCEPTS[1:]:
            for body, content_type in REQUESTS[:2]:
                same(behind, "POST", path, body, content_type=content_type, accept=accept)
    for line in LINES_OF_DATA:
        same(behind, "POST", "/classify", json.dumps({"data": line}), content_type=JSON)


@every
def test_the_page_the_description_and_what_is_not_there_are_as_without_it(behind) -> None:
    page = same(behind, "GET", "/", accept="text/html")
    described = json.loads(same(behind, "GET", "/openapi.json").body)
    for method, path in (("GET", "/x"), ("PUT", "/predict"), ("DELETE", "/"), ("GET", "/predict")):
        same(behind, method, path)

    assert b"<html" in page.body
    assert described["servers"] == [{"url": "."}]  # relative to wherever it was fetched
    assert page.headers["x-slipway-model-version"] == VERSION


@pytest.mark.parametrize("behind", ["logistic"], indirect=True)
def test_a_connection_goes_on_after_a_refusal(behind) -> None:
    _, door = behind
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
    seen = []
    for body in (ROW, "1,2", ROW):
        connection.request("POST", "/predict", body, {"content-type": CSV})
        answer = connection.getresponse()
        answer.read()
        seen.append((answer.status, connection.sock))
    connection.close()

    assert [status for status, _ in seen] == [200, 400, 200]
    assert seen[0][1] is seen[1][1] is seen[2][1] is not None


@pytest.fixture(scope="module")
def unlimited() -> Iterator[Server]:
    with Server(model("logistic")) as server:
        yield server


@pytest.mark.parametrize("behind", ["unlimited"], indirect=True)
def test_bodies_are_bounded_at_25_mb_and_the_refusal_is_read(behind) -> None:
    largest = ROW.encode() + b" " * (LIMIT - len(ROW))

    assert same(behind, "POST", "/predict", largest, content_type=CSV).status == 200
    refused = same(behind, "POST", "/predict", largest + b" ", content_type=CSV)
    assert (refused.status, refused.error["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("behind", ["logistic", "mixed"], indirect=True)
def test_what_the_description_promises_holds_behind_it(behind) -> None:
    _, door = behind
    operation = schema_of(door, JSON)["/predict"]["POST"]

    @settings(bounded, max_examples=20)
    @given(operation.as_strategy(GenerationMode.POSITIVE))
    def check(case):
        assert conforms(door, case).status_code == 200

    check()
