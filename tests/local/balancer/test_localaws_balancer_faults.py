"""The load balancer of the embedded AWS: targets and clients that misbehave."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time

import pytest

from localaws.beanstalk.balancer.balancer import Balancer
from tests.local.balancing import BLOCK, Client, echo, get, post, scripted, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def hurried():
    balancer = Balancer(idle_timeout_s=0.4)
    balancer.listen()
    yield balancer
    balancer.stop()


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
        data += more
    return data


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"220 mail.example.com ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000,
    ],
)
def test_a_target_that_breaks_off_or_says_no_http_is_a_bad_gateway(balancer, behind, said):
    def script(connection, _):
        read_request(connection)
        connection.sendall(said)

    with scripted(script) as target, Client(behind(balancer, target)) as client:
        answer = client.ask(post(b"once"), "POST")
        assert (answer.status, answer.headers["Connection"]) == (502, "keep-alive")
        assert b"502 Bad Gateway" in answer.data


@pytest.mark.parametrize("framing", [b"Content-Length: 9", b"Transfer-Encoding: chunked"])
def test_an_answer_that_ends_too_early_ends_too_early_for_the_client(balancer, behind, framing):
    def script(connection, _):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n5\r\nhal")

    with scripted(script) as target, Client(behind(balancer, target)) as client:
        with pytest.raises(http.client.IncompleteRead):
            client.ask(get())
        assert client.at_end()


@pytest.mark.parametrize("request_", [get(), post(b"a" * 100)])
def test_no_request_is_lost_on_a_connection_that_the_target_closed_while_idle(balancer, behind, request_):
    def script(connection, _):
        for _ in range(2):
            read_request(connection)
            connection.sendall(OK)  # and closes after the second, without a word

    with scripted(script) as target, Client(behind(balancer, target)) as client:
        method = request_.split()[0].decode()
        assert [client.ask(request_, method).status for _ in range(60)] == [200] * 60


def test_a_post_is_sent_again_where_the_target_has_not_read_it(balancer, behind):
    bodies = []

    def script(connection, number):
        if number == 0:
            read_request(connection)
            connection.sendall(OK)
            while not connection.recv(1, socket.MSG_PEEK):
                pass
            reset(connection)  # what came is still unread
            return
        bodies.append(read_request(connection))
        connection.sendall(OK)

    with scripted(script) as target, Client(behind(balancer, target)) as client:
        assert client.ask(post(b"first"), "POST").status == 200
        assert client.ask(post(b"again"), "POST").status == 200
    assert [body[-5:] for body in bodies] == [b"again"]


@pytest.mark.parametrize(("method", "status", "times"), [("POST", 502, 1), ("GET", 200, 2)])
def test_what_may_have_been_done_is_repeated_only_where_that_does_no_harm(
    balancer, behind, method, status, times
):
    read = []

    def script(connection, number):
        if number == 0:
            read_request(connection)
            connection.sendall(OK)
        read.append(read_request(connection))
        if number:
            connection.sendall(OK)

    with scripted(script) as target, Client(behind(balancer, target)) as client:
        client.ask(get())
        assert client.ask(get(method=method), method).status == status
    assert len(read) == times


def test_a_target_that_refuses_connections_does_not_hold_up_the_others(balancer, behind, group):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead = closed.getsockname()[1]
    with echo() as target, Client(behind(balancer, dead, target.port)) as client:
        assert [client.ask(get()).status for _ in range(4)] == [200] * 4
        balancer.set_targets(group, [dead])
        assert client.ask(get()).status == 502


def test_a_client_that_goes_away_is_forgotten(balancer, behind, group):
    ended = threading.Event()

    def script(connection, _):
        read_request(connection)
        if connection.recv(1) == b"":
            ended.set()

    with scripted(script) as target:
        with Client(behind(balancer, target)) as client:
            client.send(get())
            until(lambda: balancer.counts(group)["targets"][str(target)]["in_flight"] == 1)
            reset(client.socket)
        assert ended.wait(3)
        assert balancer.counts(group)["targets"][str(target)]["in_flight"] == 0


def test_an_answer_before_the_end_of_the_body_reaches_a_client_that_still_sends(balancer, behind):
    def script(connection, _):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        while connection.recv(65536):
            pass

    with scripted(script) as target, Client(behind(balancer, target)) as client:
        client.send(get("/", "Content-Length: 20000000", method="POST"))
        for _ in range(150):
            client.send(BLOCK)
        assert client.answer("POST").status == 413


def test_slow_clients_and_targets_are_ended(hurried, behind):
    with echo() as target:
        port = behind(hurried, target.port)
        with Client(port) as idle, Client(port) as head, Client(port) as body, Client(port) as answer:
            head.send(b"GET / HTTP/1.1\r\nX: ")
            body.send(get("/", "Content-Length: 5", method="POST") + b"abc")
            answer.send(get("/sleep/3"))
            for _ in range(15):  # a trickle is no reason to wait longer for a head
                time.sleep(0.05)
                head.send(b"x")
            assert head.answer().status == 408
            assert body.answer("POST").status == 408
            assert answer.answer().status == 504
            assert idle.at_end()


def test_a_client_that_does_not_read_is_ended(hurried, behind, group):
    with echo() as target, Client(behind(hurried, target.port)) as client:
        client.send(get(f"/large/{64 * 1024 * 1024}"))
        until(lambda: hurried.counts(group)["targets"][str(target.port)]["in_flight"] == 1)
        until(lambda: hurried.counts(group)["targets"][str(target.port)]["in_flight"] == 0, 3)
