"""The load balancer, byte by byte: however a stream is cut, and whatever nonsense is in it."""

from __future__ import annotations

import asyncio
import json

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.beanstalk.balancer.core import Core
from localaws.beanstalk.balancer.group import Group
from localaws.beanstalk.balancer.listener import Listener
from tests.local.balancing import Echo, get, post

# Each example is a connection or two; a third as many as of those that only parse.
FEWER = settings(max_examples=settings().max_examples // 3)
_CHUNKED = get("/chunked", "Transfer-Encoding: chunked", method="POST")
REQUESTS = (
    get(),
    get("/chunked"),
    get("/status/204"),
    get("/close", method="HEAD"),
    post(b"a body"),
    post(b"", "/until-close"),
    post(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "/chunked"),
    b"\r\n" + _CHUNKED + b"6\r\na body\r\n0\r\n\r\n",
    _CHUNKED + b"1;x=1\r\na\r\n00000005\r\n body\r\n000\r\nX-T: 1\r\n\r\n",
)


class Stand:
    """A listener, its target and a client, all on one event loop, each piece is read as it was sent."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.target = Echo()
        self.runner.run(self._open())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self.target.serve, "127.0.0.1", 0)
        self.servers = [server]
        core = Core(loop, linger_s=0.05)
        group = Group(core)
        group.set_targets([server.sockets[0].getsockname()[1]])
        self.listener = Listener(core, group)
        await self.listener.listen(0)

    def close(self) -> None:
        self.runner.run(self._close())
        self.runner.close()

    async def _close(self) -> None:
        self.listener.close()
        await self.target.close_all()

    def exchange(self, pieces: list[bytes]) -> bytes:
        """Send the pieces one by one, then nothing more, and return all that comes back."""
        return self.runner.run(asyncio.wait_for(self._exchange(pieces), 5))

    async def _exchange(self, pieces: list[bytes]) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.listener.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            writer.write_eof()
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@pytest.fixture(scope="module")
def stand():
    stand = Stand()
    yield stand
    stand.close()


def answers(data: bytes, methods: list[str]) -> list[tuple[int, object]]:
    """Return statuses and bodies, read by h11. Raises its errors where they are not HTTP."""
    client, found = h11.Connection(h11.CLIENT), []
    client.receive_data(data)
    for method in methods:
        client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        client.send(h11.EndOfMessage())
        body, event = b"", client.next_event()
        assert isinstance(event, h11.Response), event
        while isinstance(part := client.next_event(), h11.Data):
            body += part.data
        assert isinstance(part, h11.EndOfMessage), part
        told = json.loads(body) if body.startswith(b"{") else {}
        found.append((event.status_code, (told.get("method"), told.get("path"), told.get("body"))))
        client.start_next_cycle()
    assert client.trailing_data == (b"", False)
    return found


@st.composite
def streams(draw):
    requests = draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4))
    stream = b"".join(requests)
    cuts = sorted(draw(st.sets(st.integers(1, len(stream) - 1), max_size=40)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    return requests, pieces, draw(st.sampled_from([0, 1, 7, 1000]))


@given(streams())
@FEWER
def test_the_cuts_of_a_stream_do_not_change_its_answers(stand, stream):
    requests, pieces, split = stream
    methods = [request.split()[0].decode() for request in requests]
    stand.target.split = 0
    whole = answers(stand.exchange([b"".join(requests)]), methods)
    stand.target.split = split
    assert answers(stand.exchange(pieces), methods) == whole
    stand.target.split = 0
    assert stand.target.errors == []


AMBIGUOUS = {
    "both lengths": post(b"abc", "/", "Transfer-Encoding: chunked"),
    "two lengths": get("/", "Content-Length: 3", "Content-Length: 4", method="POST") + b"abcd",
    "the same length twice": get("/", "Content-Length: 3", "Content-Length: 3", method="POST") + b"abc",
    "a list of lengths": get("/", "Content-Length: 3, 3", method="POST") + b"abc",
    "a signed length": get("/", "Content-Length: +3", method="POST") + b"abc",
    "a hexadecimal length": get("/", "Content-Length: 0x3", method="POST") + b"abc",
    "an underscored length": get("/", "Content-Length: 1_0", method="POST") + b"0123456789",
    "a bare line feed": get("/").replace(b"Host", b"X: 1\nHost"),
    "line feeds alone": get("/").replace(b"\r\n", b"\n"),
    "a bare carriage return": get("/", "X: a\rTransfer-Encoding: chunked"),
    "a folded line": get("/", "X: a", " b"),
    "a blank before the colon": get("/", "Content-Length : 3", method="POST") + b"abc",
    "a blank before the name": get("/").replace(b"Host", b" Host"),
    "a zero byte": get("/", "X: a\0b"),
    "no host": b"GET / HTTP/1.1\r\nX: 1\r\n\r\n",
    "two hosts": get("/", "Host: localhost"),
    "another host in the line": get("http://localhost/"),
    "a blank in the path": get("/a b"),
    "a later version": get("/").replace(b"HTTP/1.1", b"HTTP/2.0"),
    "the beginning of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "the beginning of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "chunks for HTTP/1.0": _CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "two encodings": get("/", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", method="POST"),
    "a long head": get("/", *(f"X-{number}: {'x' * 1000}" for number in range(70))),
    "a long field": get("/", f"X: {'x' * 20_000}"),
    "a broken chunk size": _CHUNKED + b"g\r\nabc\r\n0\r\n\r\n",
    "a signed chunk size": _CHUNKED + b"+3\r\nabc\r\n0\r\n\r\n",
    "a chunk that is longer": _CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
    "a chunk's line feed alone": _CHUNKED + b"3\nabc\r\n0\r\n\r\n",
    "a chunk extension with a line feed": _CHUNKED + b"3;\nx\r\nabc\r\n0\r\n\r\n",
    "trailers that are none": _CHUNKED + b"0\r\nno field\r\n\r\n",
}


@pytest.mark.parametrize("what", AMBIGUOUS)
@pytest.mark.parametrize("bytewise", [False, True])
def test_what_could_be_read_in_two_ways_is_refused_and_ends_the_connection(stand, what, bytewise):
    seen = len(stand.target.seen)
    stream = AMBIGUOUS[what] + get("/smuggled")
    pieces = [stream[at : at + 1] for at in range(len(stream))] if bytewise else [stream]
    answer = stand.exchange(pieces if len(stream) < 5000 else [stream])
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer[:100]
    assert answer.count(b"HTTP/1.1") == 1
    assert len(stand.target.seen) == seen


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/" + "x" * 20_000), 414),
        (get("/", "Transfer-Encoding: gzip", method="POST"), 501),
        (get("/", "Transfer-Encoding: gzip, chunked", method="POST"), 501),
        (get("/", method="TRACE"), 405),
        (get("/", method="CONNECT"), 405),
        (get("/", f"X-Forwarded-For: {', '.join(['10.0.0.1'] * 31)}"), 463),
    ],
)
def test_what_a_load_balancer_does_not_take_has_its_own_status(stand, request_, status):
    assert stand.exchange([request_]).startswith(b"HTTP/1.1 %d" % status)


def test_a_whole_address_in_the_request_line_is_a_path_at_its_host(stand):
    for target, path in (("http://127.0.0.1/echo?x", "/echo?x"), ("http://127.0.0.1", "/")):
        assert answers(stand.exchange([get(target)]), ["GET"])[0][1][1] == path


_NOISE = st.sampled_from(
    [b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b",", b"\xff", b"HTTP/1.1", b"0\r\n\r\n",
     b"Content-Length: 1\r\n", b"Content-Length:0\r\n",
     b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding:\x0bchunked\r\n"]
)  # fmt: skip


@given(st.sampled_from(REQUESTS), st.lists(st.tuples(st.integers(0, 200), _NOISE), min_size=1, max_size=4))
@FEWER
def test_nonsense_never_hangs_and_never_reaches_a_target_as_two_readings(stand, request_, noise):
    stream, seen = request_, len(stand.target.seen)
    stand.target.errors.clear()
    for at, what in noise:
        at %= len(stream)
        stream = stream[:at] + what + stream[at:]
    answer = stand.exchange([stream + get("/after")])
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    arrived = stand.target.seen[seen:]
    assert stand.target.errors == []
    assert len(arrived) <= _as_h11_reads(stream + get("/after"))


def _as_h11_reads(stream: bytes) -> int:
    """Return how many requests there are for a reader that forgives more than the load balancer does."""
    number = 0
    while stream := stream.lstrip(b"\r\n"):
        server = h11.Connection(h11.SERVER)
        server.receive_data(stream)
        server.receive_data(b"")
        try:
            while isinstance(event := server.next_event(), h11.Request | h11.Data):
                pass
        except h11.RemoteProtocolError:
            return number
        if not isinstance(event, h11.EndOfMessage):
            return number
        number, stream = number + 1, server.trailing_data[0]
    return number
