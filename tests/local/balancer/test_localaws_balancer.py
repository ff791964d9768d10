"""The load balancer of the embedded AWS: requests and answers as they should be."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time

import pytest

from tests.local.balancing import BLOCK, Client, echo, get, post


@pytest.fixture(scope="module")
def target():
    with echo() as target:
        yield target


@pytest.fixture(scope="module")
def port(balancer, target):
    port = balancer.listen()
    balancer.set_targets("echo", [target.port])
    balancer.route(port, "echo")
    yield port
    assert target.errors == []
    balancer.close(port)


def told(answer):
    assert answer.status == 200
    return json.loads(answer.data)


def headers(answer):
    return {name.lower(): value for name, value in told(answer)["headers"]}


def test_a_request_reaches_the_target_with_what_an_application_load_balancer_adds(port):
    with Client(port) as client:
        found = headers(client.ask(get("/echo?a=b", "X-Own: 1", "X-Forwarded-For: 10.0.0.9")))
    assert found["x-forwarded-for"] == "10.0.0.9, 127.0.0.1"
    assert (found["x-forwarded-proto"], found["x-forwarded-port"]) == ("http", str(port))
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", found["x-amzn-trace-id"])
    assert (found["x-own"], found["host"]) == ("1", "127.0.0.1")


def test_every_request_has_a_trace_id_of_its_own_and_keeps_the_clients(port):
    root = "Root=1-67891233-abcdef012345678912345678"
    with Client(port) as client:
        one, two = (headers(client.ask(get()))["x-amzn-trace-id"] for _ in range(2))
        kept = headers(client.ask(get("/echo", f"X-Amzn-Trace-Id: {root}")))["x-amzn-trace-id"]
    assert one != two
    assert re.fullmatch(rf"Self=1-[0-9a-f]{{8}}-[0-9a-f]{{24}};{root}", kept)


def test_fields_of_one_hop_end_there(port):
    fields = ("Connection: keep-alive, X-Mine, Host", "X-Mine: 1", "Keep-Alive: 5", "TE: trailers")
    with Client(port) as client:
        found = headers(client.ask(get("/echo", *fields, "Upgrade: h2c", "X-Theirs: 2")))
    assert found["x-theirs"] == "2"
    assert "host" in found
    assert not {"connection", "keep-alive", "te", "upgrade", "x-mine"} & set(found)


@pytest.mark.parametrize("path", ["/echo", "/chunked", "/until-close"])
def test_bodies_pass_in_both_directions_in_every_framing(port, path):
    chunked = get(path, "Transfer-Encoding: chunked", method="POST")
    chunked += b'3;note="x"\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n'
    with Client(port) as client:
        assert told(client.ask(post(b"abc", path), "POST"))["body"] == "abc"
        assert told(client.ask(chunked, "POST"))["body"] == "abc0123456789"
        assert told(client.ask(get(path)))["body"] == ""


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_is_followed_by_the_next(port, status):
    with Client(port) as client:
        answer = client.ask(get(f"/status/{status}"))
        assert (answer.status, answer.data, answer.headers["X-Kept"]) == (status, b"", "yes")
        assert told(client.ask(get()))["path"] == "/echo"


def test_an_answer_to_head_tells_a_length_and_has_no_body(port):
    with Client(port) as client:
        answer = client.ask(get(method="HEAD"), "HEAD")
        assert int(answer.headers["Content-Length"]) > 100
        assert told(client.ask(get()))["method"] == "GET"


def test_a_client_that_waits_for_100_is_told_to_go_on(port):
    with Client(port) as client:
        client.send(get("/echo", "Content-Length: 3", "Expect: 100-continue", method="POST"))
        assert client.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        answer = client.ask(b"abc", "POST")
    assert told(answer)["body"] == "abc"
    assert "expect" not in headers(answer)


def test_requests_that_arrive_together_are_answered_in_order(port):
    with Client(port) as client:
        client.send(get("/sleep/0.05") + b"".join(post(str(number).encode()) for number in range(50)))
        assert told(client.answer())["path"].startswith("/sleep")
        assert [told(client.answer("POST"))["body"] for _ in range(50)] == [str(n) for n in range(50)]


def test_a_client_that_has_sent_all_still_gets_every_answer(port):
    with Client(port) as client:
        client.send(get("/echo?1") + get("/echo?2"))
        client.socket.shutdown(1)
        assert [told(client.answer())["path"] for _ in range(2)] == ["/echo?1", "/echo?2"]
        assert client.at_end()


def test_connection_close_ends_the_connection_after_the_answer(port):
    with Client(port) as client:
        answer = client.ask(get("/echo", "Connection: close"))
        assert answer.headers["Connection"] == "close"
        assert client.at_end()


def test_a_target_that_closes_after_its_answer_does_not_end_the_clients_connection(port):
    with Client(port) as client:
        assert [told(client.ask(get("/close")))["path"] for _ in range(3)] == ["/close"] * 3


@pytest.mark.parametrize("path", ["/echo", "/chunked", "/until-close"])
def test_http_1_0_gets_bodies_that_it_can_read(port, path):
    with Client(port) as client:
        answer = client.ask(f"GET {path} HTTP/1.0\r\nX-A: 1\r\n\r\n".encode())
        assert told(answer)["path"] == path
        assert "Transfer-Encoding" not in answer.headers
        assert client.at_end()


def test_http_1_0_may_keep_its_connection(port):
    with Client(port) as client:
        for _ in range(2):
            answer = client.ask(b"GET /echo HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
            assert answer.headers["Connection"] == "keep-alive"


def test_an_answer_has_a_date_also_where_the_target_gives_none(port):
    with Client(port) as client:
        assert client.ask(get()).headers["Date"].endswith("GMT")


def test_only_local_names_are_answered(port, target):
    before = len(target.seen)
    with Client(port) as client:
        answer = client.ask(b"GET /echo HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n")
        assert (answer.status, answer.headers["Server"]) == (403, "awselb/2.0")
    for name in ("localhost", f"127.0.0.1:{port}", "api.localhost:1"):
        with Client(port) as client:
            assert client.ask(f"GET /echo HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()).status == 200
    assert len(target.seen) == before + 3


def test_targets_get_requests_in_turn_and_are_counted(balancer):
    port = balancer.listen()
    with echo("one") as one, echo("two") as two, Client(port) as client:
        answer = client.ask(get())
        assert answer.status == 503
        assert b"<h1>503 Service Temporarily Unavailable</h1>" in answer.data
        balancer.set_targets("two", [one.port, two.port])
        balancer.route(port, "two")
        found = [told(client.ask(get()))["target"] for _ in range(6)]
        assert client.ask(get("/status/404")).status == 404
        counts = balancer.counts("two")
        balancer.set_targets("two", [])
        assert client.ask(get()).status == 503
    assert sorted(found) == ["one"] * 3 + ["two"] * 3
    assert counts["all"]["total"] == {"2xx": 6, "3xx": 0, "4xx": 1, "5xx": 0}
    assert counts["all"]["recent"]["2xx"] == 6
    latency = counts["all"]["recent"]["latency_s"]
    assert 0 < latency["p50"] <= latency["p99.9"] < 1
    assert sum(counts["targets"][str(target.port)]["requests"] for target in (one, two)) == 7
    balancer.close(port)


def test_latencies_are_those_of_the_target(balancer, target):
    port = balancer.listen()
    balancer.set_targets("slow", [target.port])
    balancer.route(port, "slow")
    with Client(port) as client:
        client.ask(get("/sleep/0.2"))
    assert balancer.counts("slow")["all"]["recent"]["latency_s"]["p50"] == pytest.approx(0.2, rel=0.3)
    balancer.close(port)


def test_large_bodies_stream_through_a_bounded_memory(balancer, port):
    size = 48 * 1024 * 1024
    before = _resident_kb(balancer.pid)
    with Client(port) as client:
        client.send(get(f"/large/{size}"))
        time.sleep(0.3)  # the target could send all of it meanwhile
        while_waiting = _resident_kb(balancer.pid)
        assert len(client.answer().data) == size
    assert while_waiting - before < 8_000


def test_a_large_body_waits_for_a_target_that_does_not_read(balancer):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = balancer.listen()
        balancer.set_targets("deaf", [deaf.getsockname()[1]])
        balancer.route(port, "deaf")
        before, sent = _resident_kb(balancer.pid), 0
        with Client(port) as client:
            client.send(get("/", "Content-Length: 99999999999", method="PUT"))
            client.socket.settimeout(0.3)
            with pytest.raises(TimeoutError):
                while sent < 64 * 1024 * 1024:
                    sent += client.socket.send(BLOCK)
            assert _resident_kb(balancer.pid) - before < 8_000
        balancer.close(port)


def test_a_client_that_asks_on_and_on_without_reading_is_held_back(balancer, port):
    many, sent = get("/echo", f"X: {'x' * 2000}") * 200, 0
    before = _resident_kb(balancer.pid)
    with Client(port) as client:
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            while sent < 64 * 1024 * 1024:
                sent += client.socket.send(many[sent % len(many) :])
        assert _resident_kb(balancer.pid) - before < 8_000


def _resident_kb(pid):
    printed = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(printed.stdout)
