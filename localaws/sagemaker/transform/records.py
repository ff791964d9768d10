"""Splits a file into the bodies of requests, by offsets: lines are found, not read one by one."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

_BLOCK = 1 << 20


class Data(Protocol):
    """The bytes of a file: a bytes object, or a file mapped into memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: slice, /) -> bytes: ...

    def find(self, sub: bytes, start: int, end: int, /) -> int:
        """Return where `sub` is first, or -1."""

    def rfind(self, sub: bytes, start: int, end: int, /) -> int:
        """Return where `sub` is last, or -1."""


class Part(NamedTuple):
    """Where in the file the body of one request is: from `start` to before `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.end - self.start


def whole(data: Data) -> Iterator[Part]:
    """Return the file as one part; none for an empty file."""
    if len(data):
        yield Part(0, len(data))


def by_lines(data: Data, limit: int) -> Iterator[Part]:
    """Return parts of as many whole lines as fit into `limit` bytes.

    A line keeps its newline. One that is longer than the limit is a part of its own, for the caller to judge.
    """
    start, size = 0, len(data)
    while start < size:
        end = min(start + limit, size)
        if end < size:
            end = data.rfind(b"\n", start, end) + 1 or data.find(b"\n", end, size) + 1 or size
        yield Part(start, end)
        start = end


def line_by_line(data: Data) -> Iterator[Part]:
    """Return each line, with its newline."""
    start, size = 0, len(data)
    while start < size:
        end = data.find(b"\n", start, size) + 1 or size
        yield Part(start, end)
        start = end


def line_number(data: Data, offset: int) -> int:
    """Return which line, from 1, begins at an offset."""
    blocks = range(0, offset, _BLOCK)
    return 1 + sum(data[begin : min(begin + _BLOCK, offset)].count(b"\n") for begin in blocks)
