"""The head of a target's answer, and the answers of the load balancer's own."""

import re
import time
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from localaws.beanstalk.balancer import fields
from localaws.beanstalk.balancer.fields import CHUNKED, MalformedError

UNTIL_CLOSE = -2
CLOSE, KEEP_ALIVE = b"Connection: close\r\n\r\n", b"Connection: keep-alive\r\n\r\n"
_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_REPLACED = frozenset((b"content-length",))
_PHRASES = {
    408: "Request Time-out",
    414: "Request-URI Too Large",
    463: "",
    503: "Service Temporarily Unavailable",
}
_PHRASES |= {504: "Gateway Time-out"}


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """One answer's head.

    Args:
        start: status line and fields, without what says where the body ends.
        length: the body's bytes, CHUNKED, or UNTIL_CLOSE.
        length_field: as it came; an answer to HEAD tells the length of a body that it has not.
        keep_alive: whether the target's connection goes on.
    """

    status: int
    start: bytes
    length: int
    length_field: bytes
    keep_alive: bool
    dated: bool

    def has_body(self, method: bytes) -> bool:
        """Whether an answer to this method has a body."""
        return method != b"HEAD" and self.status not in (204, 304)


def parse(head: bytes) -> ResponseHead:
    """Read a head, without the empty line at its end. Raises MalformedError."""
    first, *lines = head.split(b"\r\n")
    match = _LINE.fullmatch(first)
    if match is None:
        raise MalformedError
    found = fields.parse(lines)
    length = fields.body_length(found)
    if length == CHUNKED and fields.values(found, b"transfer-encoding")[0].lower() != b"chunked":
        raise MalformedError
    status, options = int(match[2]), fields.listed(found, b"connection")
    start = b"HTTP/1.1" + first[8:] + b"\r\n" + fields.end_to_end(found, but=_REPLACED)
    return ResponseHead(
        status=status,
        start=start,
        length=UNTIL_CLOSE if length is None else length,
        length_field=b"".join(
            b"Content-Length: %b\r\n" % value
            for value in fields.values(found, b"content-length")
            if status != 204
        ),
        keep_alive=match[1] == b"1" and b"close" not in options,
        dated=bool(fields.values(found, b"date")),
    )


class Dates:
    """The field Date, made once a second."""

    def __init__(self) -> None:
        self._second, self._field = 0, b""

    def field(self) -> bytes:
        """Return its line for now."""
        now = int(time.time())
        if now != self._second:
            self._second, self._field = now, b"Date: %b\r\n" % formatdate(now, usegmt=True).encode()
        return self._field


def own(status: int, date: bytes, *, keep_alive: bool, head_only: bool) -> bytes:
    """Return the load balancer's own answer: a page of a few lines."""
    title = f"{status} {_PHRASES.get(status) or phrase(status)}".rstrip()
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    ).encode()
    return b"".join(
        (
            b"HTTP/1.1 %b\r\nServer: awselb/2.0\r\n" % title.encode(),
            date,
            b"Content-Type: text/html\r\nContent-Length: %d\r\n" % len(page),
            KEEP_ALIVE if keep_alive else CLOSE,
            b"" if head_only else page,
        )
    )


def phrase(status: int) -> str:
    """Return the reason of a status; "" for one that only load balancers use."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
