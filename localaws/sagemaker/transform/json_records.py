"""JSON values as records: one a line, or a whole document."""

import json
from collections.abc import Sequence
from typing import Any

from localaws.sagemaker.transform.failures import RecordError
from localaws.sagemaker.transform.json_path import Path, PathError, select

INPUT, OUTPUT = "SageMakerInput", "SageMakerOutput"


class JsonRecords:
    """Implements Records for application/json and application/jsonlines. A record is a JSON value."""

    def __init__(self, *, lines: bool) -> None:
        """`lines` is whether a body has a record a line, or is one record."""
        self._lines = lines

    def check(self, path: Path) -> None:
        """Do nothing: every path may fit a JSON value."""

    def read(self, block: bytes) -> list[Any]:
        """Return the values. Raises RecordError."""
        if not self._lines:
            return [_parsed(block, 0)]
        lines = (line for line in block.splitlines() if line and not line.isspace())
        return [_parsed(line, number) for number, line in enumerate(lines)]

    def answers(self, block: bytes, expected: int) -> list[Any]:
        """Return the values of a model's answer; to one record it may be a document of several lines."""
        return [_parsed(block, 0)] if expected == 1 else self.read(block)

    def write(self, records: Sequence[Any]) -> bytes:
        """Return the values, each on a line, or the one document."""
        end = b"\n" if self._lines else b""
        return b"".join(json.dumps(each, separators=(",", ":")).encode() + end for each in records)

    def join(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
        """Add each answer to its object; an input that is none becomes a member beside the answer."""
        return [
            {**(value if isinstance(value, dict) else {INPUT: value}), OUTPUT: answer}
            for value, answer in zip(inputs, outputs, strict=True)
        ]

    def select(self, path: Path, records: Sequence[Any]) -> list[Any]:
        """Return what the path selects of every value. Raises RecordError."""
        chosen = []
        for number, value in enumerate(records):
            try:
                chosen.append(select(path, value))
            except PathError as error:
                raise RecordError(str(error), number) from error
        return chosen


def _parsed(text: bytes, number: int) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        shown = text[:200].decode(errors="replace")
        raise RecordError(f"Failed to parse line: '{shown}' as JSON: {error}", number) from error
