"""The head of a request: what the load balancer needs of it, and what the target gets.

Source: "HTTP headers and Application Load Balancers", "Troubleshoot your Application Load Balancers" and the
quotas of the Elastic Load Balancing user guides. Inferred: ALB lets some ambiguous requests pass in its mode
"defensive"; here each of them is refused, so that none can be taken in two ways.
"""

import random
import re
import time
from dataclasses import dataclass

from localaws.beanstalk.balancer import fields
from localaws.beanstalk.balancer.fields import CHUNKED, MAX_HEAD_BYTES, MAX_LINE_BYTES, MalformedError

_LINE = re.compile(rb"(" + fields.TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([01])")
_ABSOLUTE = re.compile(rb"http://([^/?#]*)([^#]*)", re.IGNORECASE)
_BEGINNING = re.compile(rb"\r\Z|[!#$%&'*+.^_`|~0-9A-Za-z-]{1,127}(?: |\Z)")
_STRAY = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
# As the embedded AWS itself: a page can make a browser call 127.0.0.1 by a name that resolves there.
_LOCAL_HOST = re.compile(
    rb"(127\.0\.0\.1|localhost|\[::1\]|([a-z0-9-]+\.)+localhost|host\.docker\.internal)(:[0-9]+)?",
    re.IGNORECASE,
)
_IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))
_MOST_FORWARDERS = 30
_OWN = frozenset(
    (
        b"host", b"content-length", b"expect",
        b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-port", b"x-amzn-trace-id",
    )
)  # fmt: skip


class RefusedError(Exception):
    """The request is answered by the load balancer itself."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class RequestHead:
    """One request's head.

    Args:
        forward: what the target gets, up to the trace id, which is another for each request.
        trace: the trace id that the client sent.
        length: the body's bytes, or CHUNKED.
        keep_alive: whether the client's connection may go on after the answer.
        http10: whether the client speaks HTTP/1.0, and so knows no chunks.
    """

    method: bytes
    forward: bytes
    trace: bytes
    length: int
    keep_alive: bool
    expects_continue: bool
    http10: bool

    @property
    def idempotent(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return self.method in _IDEMPOTENT

    def to_target(self) -> bytes:
        """Return the whole head for the target."""
        ours = b"=1-%08x-%024x" % (int(time.time()), random.getrandbits(96))
        if not self.trace:
            return b"%bX-Amzn-Trace-Id: Root%b\r\n\r\n" % (self.forward, ours)
        name = b"Self" if b"root=" in self.trace.lower() else b"Root"
        return b"%bX-Amzn-Trace-Id: %b%b;%b\r\n\r\n" % (self.forward, name, ours, self.trace)


def is_hopeless(beginning: bytes) -> bool:
    """Whether no head of a request can begin so."""
    return (
        len(beginning) > MAX_HEAD_BYTES
        or not _BEGINNING.match(beginning)
        or _STRAY.search(beginning) is not None
    )


def parse(head: bytes, *, client: str, port: int) -> RequestHead:
    """Read a head, without the empty line at its end. Raises RefusedError.

    Args:
        head: its lines.
        client: the client's address.
        port: the listener's.
    """
    first, *lines = head.split(b"\r\n")
    match = _LINE.fullmatch(first)
    if match is None:
        raise RefusedError(400)
    if len(first) > MAX_LINE_BYTES:
        raise RefusedError(414)
    method, target, minor = match.groups()
    if len(head) > MAX_HEAD_BYTES:
        raise RefusedError(400)
    try:
        found = fields.parse(lines)
        length = fields.body_length(found) or 0
    except MalformedError:
        raise RefusedError(400) from None
    http10 = minor == b"0"
    if length == CHUNKED:
        if http10:
            raise RefusedError(400)
        if fields.values(found, b"transfer-encoding")[0].lower() != b"chunked":
            raise RefusedError(501)
    target, host = _destination(method, target, fields.values(found, b"host"), http10=http10)
    options = fields.listed(found, b"connection")
    forwarders = [*fields.values(found, b"x-forwarded-for"), client.encode()]
    if sum(value.count(b",") + 1 for value in forwarders[:-1]) > _MOST_FORWARDERS:
        raise RefusedError(463)
    framing = {0: b"Content-Length: 0\r\n" if fields.values(found, b"content-length") else b""}
    framing[CHUNKED] = b"Transfer-Encoding: chunked\r\n"
    return RequestHead(
        method=method,
        forward=b"".join(
            (
                b"%b %b HTTP/1.1\r\nHost: %b\r\n" % (method, target, host),
                fields.end_to_end(found, but=_OWN),
                framing.get(length, b"Content-Length: %d\r\n" % length),
                b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: %d\r\n"
                % (b", ".join(forwarders), port),
            )
        ),
        trace=b", ".join(fields.values(found, b"x-amzn-trace-id")),
        length=length,
        keep_alive=b"keep-alive" in options if http10 else b"close" not in options,
        expects_continue=not http10 and b"100-continue" in fields.listed(found, b"expect"),
        http10=http10,
    )


def _destination(method: bytes, target: bytes, hosts: list[bytes], *, http10: bool) -> tuple[bytes, bytes]:
    """Return path and host, for a request line with either a path or a whole address."""
    if method in (b"TRACE", b"CONNECT"):
        raise RefusedError(405)
    if len(hosts) > 1 or not (hosts or http10):
        raise RefusedError(400)
    host = hosts[0] if hosts else b"127.0.0.1"
    if absolute := _ABSOLUTE.fullmatch(target):
        if hosts and absolute[1].lower() != host.lower():
            raise RefusedError(400)
        host, target = absolute[1], absolute[2]
        target = target if target.startswith(b"/") else b"/" + target
    elif not target.startswith(b"/") and (method, target) != (b"OPTIONS", b"*"):
        raise RefusedError(400)
    if not _LOCAL_HOST.fullmatch(host):
        raise RefusedError(403)
    return target, host
