"""DataProcessing: what of a record the model sees, what its answer is joined with, and what of it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from localaws.sagemaker.transform.csv_records import CsvRecords
from localaws.sagemaker.transform.failures import RecordError
from localaws.sagemaker.transform.json_path import Path
from localaws.sagemaker.transform.json_records import JsonRecords

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"


class Records(Protocol):
    """A format: how a body is taken apart into records, and put together again."""

    def check(self, path: Path) -> None:
        """Raises PathError for a path that no record of this format can have."""

    def read(self, block: bytes) -> list[Any]:
        """Return a body's records. Raises RecordError."""

    def answers(self, block: bytes, expected: int) -> list[Any]:
        """Return the records of an answer to so many. Raises RecordError."""

    def write(self, records: Sequence[Any]) -> bytes:
        """Return a body."""

    def join(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
        """Return inputs and outputs together."""

    def select(self, path: Path, records: Sequence[Any]) -> list[Any]:
        """Return a part of every record. Raises RecordError."""


def records_of(content_type: str, *, lines: bool) -> Records | None:
    """Return the format of a media type, or None for one that cannot be filtered or joined."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == CSV:
        return CsvRecords()
    return JsonRecords(lines=lines) if media_type in (JSON, JSON_LINES) else None


@dataclass(frozen=True)
class Processing:
    """Empty filters select everything. `inputs` and `outputs` are the formats of both sides."""

    inputs: Records | None = None
    outputs: Records | None = None
    input_filter: Path = ()
    output_filter: Path = ()
    join: bool = False

    def to_model(self, block: bytes) -> bytes:
        """Return what the model is sent for a block of records. Raises RecordError."""
        if not self.input_filter or self.inputs is None:
            return block
        return self.inputs.write(self.inputs.select(self.input_filter, self.inputs.read(block)))

    def to_output(self, block: bytes, answer: bytes) -> bytes:
        """Return what is kept for a block and the model's answer to it. Raises RecordError."""
        if self.outputs is None or not (self.join or self.output_filter):
            return answer
        if self.join and self.inputs is not None:
            given = self.inputs.read(block)
            answered = self.outputs.answers(answer, len(given))
            if len(given) != len(answered):
                raise RecordError(
                    "Fail to join data: mismatched line count between the input and the output: "
                    f"{len(given)} records, and {len(answered)} in the model's answer"
                )
            joined = self.inputs.join(given, answered)
        else:
            joined = self.outputs.read(answer)
        return self.outputs.write(self.outputs.select(self.output_filter, joined))
