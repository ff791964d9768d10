"""A body in chunks, taken apart and put together again: what the next hop reads is framed by us alone."""

import re

from localaws.beanstalk.balancer import fields
from localaws.beanstalk.balancer.fields import MalformedError

LAST = b"0\r\n\r\n"
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_MAX_SIZE_LINE_BYTES = 4096


class Chunks:
    """Takes a body apart as it arrives. `ended` once the last chunk is there; extensions and trailers go."""

    def __init__(self) -> None:
        self.ended = False
        self._held = b""
        self._left = 0  # of the chunk's data and of the CRLF after it
        self._in_trailers = False
        self._trailer_bytes = 0

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Return the data so far, and what comes after the body. Raises MalformedError."""
        pieces: list[bytes] = []
        data, position = self._held + data, 0
        self._held = b""
        while position < len(data):
            if self._left:
                position = self._take(data, position, pieces)
                continue
            end = data.find(b"\n", position)
            limit = fields.MAX_LINE_BYTES if self._in_trailers else _MAX_SIZE_LINE_BYTES
            if (len(data) if end < 0 else end) - position > limit:
                raise MalformedError
            if end < 0:
                self._held = data[position:]
                return pieces, b""
            if end == position or data[end - 1] != 13:
                raise MalformedError
            self._line(data[position : end - 1])
            position = end + 1
            if self.ended:
                break
        return pieces, data[position:]

    def _take(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        if self._left > 2:
            piece = data[position : position + self._left - 2]
            pieces.append(piece)
            self._left -= len(piece)
            return position + len(piece)
        end = data[position : position + self._left]
        if not b"\r\n"[2 - self._left :].startswith(end):
            raise MalformedError
        self._left -= len(end)
        return position + len(end)

    def _line(self, line: bytes) -> None:
        if not self._in_trailers:
            match = _SIZE.fullmatch(line)
            if match is None:
                raise MalformedError
            size = int(match[1], 16)
            self._left = size + 2 if size else 0
            self._in_trailers = not size
        elif line:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > fields.MAX_HEAD_BYTES:
                raise MalformedError
            fields.parse([line])
        else:
            self.ended = True


def framed(pieces: list[bytes], *, last: bool) -> bytes:
    """Return the pieces as chunks."""
    parts = [part for piece in pieces if piece for part in (b"%x\r\n" % len(piece), piece, b"\r\n")]
    return b"".join([*parts, LAST]) if last else b"".join(parts)
