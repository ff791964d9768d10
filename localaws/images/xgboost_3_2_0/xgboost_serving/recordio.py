"""RecordIO-Protobuf, written by hand: a message of three levels, and a frame around each.

The message is `Record` of SageMaker's record.proto: `map<string, Value> label = 2`, a Value's
`Float32Tensor float32_tensor = 2`, and its `repeated float values = 1 [packed]`.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

_MAGIC = 0xCED7230A


def encode(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return one record a row, each value a float32 tensor under its key."""
    return b"".join(_frame(_record(row)) for row in rows)


def _frame(record: bytes) -> bytes:
    return struct.pack("<II", _MAGIC, len(record)) + record + b"\0" * (-len(record) % 4)


def _record(row: Mapping[str, Any]) -> bytes:
    return b"".join(
        _field(2, _field(1, key.encode()) + _field(2, _field(2, _tensor(value))))
        for key, value in row.items()
    )


def _tensor(value: Any) -> bytes:
    values = value if isinstance(value, list) else [value]
    return _field(1, struct.pack(f"<{len(values)}f", *values))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
