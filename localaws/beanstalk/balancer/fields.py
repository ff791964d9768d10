"""Header fields of HTTP/1.1, read strictly (RFC 9112, section 5): whatever two readers could take in two ways
is refused.
"""

import re

MAX_HEAD_BYTES = 64 * 1024
MAX_LINE_BYTES = 16 * 1024
CHUNKED = -1
TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"

Fields = list[tuple[bytes, bytes, bytes]]
"""Name in lower case, name as it came, value without the blanks around it."""

_FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_HOP_BY_HOP = frozenset(
    (
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection",
        b"te", b"trailer", b"transfer-encoding", b"upgrade",
    )
)  # fmt: skip
# `Connection` may name further fields of this hop; these are never such, whatever it says.
_END_TO_END = frozenset(
    (b"host", b"content-length", b"content-type", b"authorization", b"cookie", b"set-cookie", b"date")
)


class MalformedError(ValueError):
    """The lines are no fields, or contradict each other."""


def parse(lines: list[bytes]) -> Fields:
    """Return the fields. Raises MalformedError for a folded line, a blank before the colon, a stray CR."""
    fields = []
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None or len(line) > MAX_LINE_BYTES:
            raise MalformedError
        name, value = match.groups()
        fields.append((name.lower(), name, value.rstrip(b" \t")))
    return fields


def values(fields: Fields, name: bytes) -> list[bytes]:
    """Return the values of a field, in order."""
    return [value for lower, _, value in fields if lower == name]


def listed(fields: Fields, name: bytes) -> set[bytes]:
    """Return the members, in lower case, of a field whose value is a list."""
    return {member.strip().lower() for value in values(fields, name) for member in value.split(b",")}


def body_length(fields: Fields) -> int | None:
    """Return the body's bytes, CHUNKED, or None where no field says. Raises MalformedError."""
    encodings, lengths = values(fields, b"transfer-encoding"), values(fields, b"content-length")
    if encodings:
        if lengths or len(encodings) > 1:
            raise MalformedError
        return CHUNKED
    if not lengths:
        return None
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise MalformedError
    return int(lengths[0])


def end_to_end(fields: Fields, *, but: frozenset[bytes]) -> bytes:
    """Return the fields that go on beyond this hop as lines, without those that `but` names."""
    left_out = _HOP_BY_HOP | but | (listed(fields, b"connection") - _END_TO_END)
    return b"".join(b"%b: %b\r\n" % (name, value) for lower, name, value in fields if lower not in left_out)
