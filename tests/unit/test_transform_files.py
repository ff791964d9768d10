"""Splitting, sending and assembling one file, on a model server of a few lines."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localaws.sagemaker.transform.failures import FileError, StoppedError
from localaws.sagemaker.transform.file import Plan, transform
from localaws.sagemaker.transform.records import by_lines, line_by_line, line_number, whole
from localaws.sagemaker.transform.sender import NoAnswerError, RefusedError, Sender

FILES = st.binary(max_size=400) | st.lists(st.sampled_from([b"1,2\n", b"\n", b"33333,4\r\n", b"x"])).map(
    b"".join
)
LIMITS = st.integers(1, 60)


@given(FILES, LIMITS)
def test_the_parts_of_a_file_are_the_file_and_end_with_lines(data: bytes, limit: int) -> None:
    parts = [data[part.start : part.end] for part in by_lines(data, limit)]

    assert b"".join(parts) == data
    assert all(part.endswith(b"\n") for part in parts[:-1])


@given(FILES, LIMITS)
def test_no_part_is_larger_than_the_limit_unless_it_is_one_line(data: bytes, limit: int) -> None:
    for part in by_lines(data, limit):
        text = data[part.start : part.end]
        assert part.size <= limit or b"\n" not in text[:-1]


@given(FILES, LIMITS)
def test_no_part_leaves_room_for_the_line_that_follows(data: bytes, limit: int) -> None:
    parts = list(by_lines(data, limit))
    for part, following in pairwise(parts):
        next_line = (data.find(b"\n", following.start) + 1 or len(data)) - following.start
        assert part.size + next_line > limit


@given(FILES)
def test_single_records_are_the_lines_with_their_newlines(data: bytes) -> None:
    parts = [data[part.start : part.end] for part in line_by_line(data)]

    assert b"".join(parts) == data
    assert all(part.count(b"\n") == 1 for part in parts[:-1])
    assert [line_number(data, part.start) for part in line_by_line(data)] == list(range(1, len(parts) + 1))


@given(FILES)
def test_a_whole_file_is_one_part_and_an_empty_one_none(data: bytes) -> None:
    assert [data[part.start : part.end] for part in whole(data)] == ([data] if data else [])


class Model:
    """A model server: `answer` gets each body and returns status and answer; None closes the connection."""

    def __init__(self, answer: Callable[[bytes], tuple[int, bytes] | None]) -> None:
        self.bodies: list[bytes] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self._body()
                model.bodies.append(body)
                answered = answer(body)
                if answered is None:
                    self.close_connection = True
                    return
                self.send_response(answered[0])
                self.send_header("Content-Length", str(len(answered[1])))
                self.end_headers()
                self.wfile.write(answered[1])

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers["Content-Length"]))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])


@contextmanager
def serving(answer: Callable[[bytes], tuple[int, bytes] | None]) -> Iterator[Model]:
    model = Model(answer)
    thread = threading.Thread(target=model.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.server.shutdown()
        model.server.server_close()
        thread.join()


def run(model: Model, content: bytes, plan: Plan, *, retries: int = 0, threads: int = 3) -> bytes:
    """Send a file and return its output."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(threads) as pool:
        source, target = Path(folder) / "in", Path(folder) / "out"
        source.write_bytes(content)
        sender = Sender(model.port, {}, 5, retries, threading.Event())
        try:
            transform(source, target, plan, sender, pool, ahead=2 * threads)
            return target.read_bytes()
        except FileError:
            assert not target.exists()
            raise
        finally:
            sender.close()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10**9), max_size=60), st.integers(12, 80))
def test_answers_are_in_the_order_of_the_file_however_it_is_cut(numbers: list[int], limit: int) -> None:
    content = b"".join(b"%d\n" % number for number in numbers)

    with serving(lambda body: (200, b"".join(b"<%s>\n" % line for line in body.split()))) as model:
        output = run(model, content, Plan(limit=limit, lines=True))

    assert output == b"".join(b"<%d>\n" % number for number in numbers)
    assert all(len(body) <= limit for body in model.bodies)


def test_assembling_by_line_ends_each_answer_with_one_newline() -> None:
    with serving(lambda body: (200, b"a" if b"1" in body else b"b\n")) as model:
        lines = run(model, b"1\n2\n", Plan(limit=2, lines=True, assemble_lines=True))
        plain = run(model, b"1\n2\n", Plan(limit=2, lines=True))

    assert (lines, plain) == (b"a\nb\n", b"ab\n")


def test_a_streamed_file_arrives_whole_and_in_chunks() -> None:
    content = b"1234567\n" * 400_000

    with serving(lambda body: (200, b"%d" % len(body))) as model:
        assert run(model, content, Plan(limit=None)) == b"3200000"

    assert model.bodies == [content]


@pytest.mark.parametrize("count", [2, 7, 64, 1000])
@pytest.mark.parametrize("status", [400, 500])
def test_the_line_that_a_model_refuses_is_found(count: int, status: int) -> None:
    bad = count * 2 // 3
    content = b"".join(b"bad\n" if number == bad else b"%d\n" % number for number in range(1, count + 1))

    answer = lambda body: (status, b"no") if b"bad" in body else (200, b"yes")  # noqa: E731
    with serving(answer) as model, pytest.raises(FileError) as error:
        run(model, content, Plan(limit=1 << 20, lines=True))

    assert str(error.value).splitlines()[1] == f"Line {bad}"
    assert len(model.bodies) <= 12


def test_a_refused_request_is_sent_once_and_a_failed_one_again() -> None:
    answers = {b"refused\n": iter([(400, b"")]), b"failed\n": iter([(503, b""), (500, b""), (200, b"ok")])}

    with serving(lambda body: next(answers[body])) as model:
        assert run(model, b"failed\n", Plan(limit=100), retries=3) == b"ok"
        with pytest.raises(FileError) as error:
            run(model, b"refused\n", Plan(limit=100), retries=3)

    assert isinstance(error.value.__cause__, RefusedError)
    assert model.bodies == [b"failed\n"] * 3 + [b"refused\n"]


def test_a_connection_that_closes_without_an_answer_is_no_answer() -> None:
    with serving(lambda _: None) as model, pytest.raises(FileError) as error:
        run(model, b"1\n", Plan(limit=100))

    assert isinstance(error.value.__cause__, NoAnswerError)
    assert str(error.value) == "Unable to get response from algorithm\nThe file"


def test_a_stopped_sender_sends_nothing() -> None:
    stopped = threading.Event()
    stopped.set()

    with serving(lambda _: (200, b"")) as model, pytest.raises(StoppedError):
        Sender(model.port, {}, 5, 3, stopped).send(lambda: b"1")

    assert model.bodies == []
