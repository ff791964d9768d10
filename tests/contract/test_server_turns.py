"""Requests of many connections that arrive together share a call of the engine, and nothing else."""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest

from tests.server.models import model
from tests.server.process import Server
from tests.server.requests import ROW, post
from tests.server.wire import check_error, next_reply, received, replies

MANY = 24
FAR = "3e38,3e38,3e38,3e38"  # each number is one that the model takes, and their sum is not


@pytest.fixture(scope="module", params=["logistic", "regression", "forest"])
def server(request):
    with Server(model(request.param)) as found:
        yield found


def bodies() -> list[bytes]:
    rows = [f"{5 + number / 10:.1f},3.0,{1 + number / 5:.1f},0.{number}" for number in range(MANY)]
    rows[3], rows[7], rows[11] = "1,2", "a,b,c,d", FAR
    rows[13] = "\n".join([ROW] * 40)
    return [row.encode() for row in rows]


def test_each_request_of_a_turn_gets_the_answer_that_it_gets_alone(server):
    alone = [server.predict(body) for body in bodies()]
    assert {reply.status for reply in alone} == {200, 400}
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(MANY)]
        for _ in range(20):
            for connection, body in zip(connections, bodies(), strict=True):
                connection.sendall(post(body, "Content-Type: text/csv"))
            for connection, expected in zip(connections, alone, strict=True):
                reply = next_reply(connection)
                assert (reply.status, reply.body) == (expected.status, expected.body)


def test_answers_of_one_connection_keep_their_order_among_many(server):
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(server.connect())
        sent = post(ROW.encode(), "Content-Type: text/csv")
        chain = [
            *[sent] * 3,
            b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n",
            sent,
            post(b"1,2", "Content-Type: text/csv"),
            sent,
            post(ROW.encode(), "Content-Type: text/csv", path="/predict"),
            sent,
            b"no HTTP at all\r\n\r\n",  # the answers before it are the last ones
        ]
        connection = stack.enter_context(server.connect())
        connection.sendall(b"".join(chain))
        found = replies(received(connection))

        assert [reply.status for reply in found] == [200] * 5 + [400] + [200] * 3
        assert json.loads(found[3].body)["status"] == "ready"
        check_error(found[5])
        (row,) = {reply.body for reply in (*found[:3], found[4], *found[6:9])}
        assert json.loads(row)


@pytest.mark.parametrize("way", ["a connection that is to close", "HTTP/1.0"])
def test_the_last_answer_says_that_the_connection_closes(server, way):
    with ExitStack() as stack:
        for _ in range(MANY):
            stack.enter_context(server.connect())
        connection = stack.enter_context(server.connect())
        form = {"version": "1.0"} if way == "HTTP/1.0" else {}
        connection.sendall(post(ROW.encode(), "Content-Type: text/csv", "Connection: close", **form))
        (reply,) = replies(received(connection))

        assert (reply.status, reply.headers["connection"]) == (200, "close")
