"""A request as the gateway received it, and an answer as it sends it."""

import time
import uuid
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

Pairs = tuple[tuple[str, str], ...]
_APIGW_ID_BYTES = 11


def _trace_id() -> str:
    return f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"


@dataclass(frozen=True)
class Request:
    """One request to a stage. `path` is decoded and begins with /; names of `headers` are in lower case.

    `received` is in seconds since 1970, `started` in those of a clock that only goes forward.
    """

    api_id: str
    stage: str
    method: str
    path: str
    headers: Pairs
    query_string: str
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"
    raw_path: str = ""
    """The whole path as it was sent, which is what a signature signs."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    extended_id: str = field(default_factory=lambda: b64encode(uuid.uuid4().bytes[:_APIGW_ID_BYTES]).decode())
    trace_id: str = field(default_factory=_trace_id)
    received: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)

    def header(self, name: str) -> str:
        """Return a header's last value, or "" where it is missing."""
        return next((value for key, value in reversed(self.headers) if key == name.lower()), "")

    @property
    def query(self) -> Pairs:
        """The parameters of the query string, in its order."""
        return tuple(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def media_type(self) -> str:
        """The content type in lower case and without parameters.

        JSON where the request has none, as on AWS.
        """
        return (self.header("content-type") or "application/json").partition(";")[0].strip().lower()


@dataclass
class Answer:
    """One answer. `headers` has one entry a line, so that a name may be there twice."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: bytes) -> "Answer":
        """Return an answer with each header once."""
        return cls(status, list(headers.items()), body)

    def has(self, name: str) -> bool:
        """Whether a header is there."""
        return any(key.lower() == name.lower() for key, _ in self.headers)


def matches(media_type: str, patterns: object) -> bool:
    """Whether a media type is one of the API's binary ones, which may be `type/*` or `*/*`."""
    plain = media_type.partition(";")[0].strip().lower()
    kind = plain.partition("/")[0]
    allowed = [str(pattern).strip().lower() for pattern in patterns] if isinstance(patterns, list) else []
    return bool(plain) and any(pattern in (plain, f"{kind}/*", "*/*") for pattern in allowed)
