"""Parquet: columns with types of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as arrow

from slipway.errors import DataInvalid

from .data_errors import not_a_number, wrong_type
from .data_table import Column, Kind

# What pandas stores beside the columns, where a table's index is not 0, 1, 2, …
_INDEX = "__index_level_"
_LEAVE_OUT = "leave the column out with `features`."


class ParquetTable:
    """An open Parquet file.

    Args:
        file: its bytes, seekable.
        source: what `data` says.

    Raises:
        DataInvalid: it is no Parquet.
    """

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._source = source
        try:
            self._file = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None
        self.names = [name for name in self._file.schema_arrow.names if not name.startswith(_INDEX)]

    def read(self, kinds: Mapping[str, Kind]) -> dict[str, Column]:
        """Read some columns; see `Table`."""
        schema = self._file.schema_arrow
        for name in kinds:  # before the work
            self._require_flat(name, schema.field(name).type)
        try:
            table = self._file.read(columns=list(kinds))
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from None
        return {name: self._column(name, table.column(name), kind) for name, kind in kinds.items()}

    def _column(self, name: str, column: pa.ChunkedArray, kind: Kind) -> Column:
        if arrow.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        found = column.type
        if arrow.is_null(found):
            return np.full(len(column), np.nan) if kind == "number" else np.full(len(column), None)
        if kind == "number":
            return self._numbers(name, column)
        if _is_text(found):
            return np.array(
                [None if text is None else text.strip() or None for text in column.to_pylist()], object
            )
        if kind == "category":
            if arrow.is_integer(found):
                return np.array([None if code is None else str(code) for code in column.to_pylist()], object)
            fix = f"It is a number as it is: take {name!r} out of `categories`."
            raise wrong_type(self._source, name, f"{found} of a category", fix)
        return self._classes(name, column)

    def _numbers(self, name: str, column: pa.ChunkedArray) -> Column:
        if _is_text(column.type):
            texts = column.to_pylist()
            row = next((number for number, text in enumerate(texts, start=1) if text is not None), 1)
            raise not_a_number(self._source, row, name, str(texts[row - 1] if texts else ""))
        if arrow.is_boolean(column.type):
            column = column.cast(pa.uint8())
        numbers: Column = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return numbers

    def _classes(self, name: str, column: pa.ChunkedArray) -> Column:
        """Whole numbers are classes as they are; a float column has them where one of them is null."""
        numbers = self._numbers(name, column)
        known = ~np.isnan(numbers)
        if not (np.abs(numbers[known]) < 2**53).all() or (numbers[known] % 1 != 0).any():
            fix = 'Set task = "regression", or write the classes as texts or whole numbers.'
            raise wrong_type(self._source, name, f"{column.type} of the label's classes", fix)
        if known.all():
            return numbers.astype(np.int64)
        return np.array(
            [int(number) if is_known else None for number, is_known in zip(numbers, known, strict=True)]
        )

    def _require_flat(self, name: str, found: pa.DataType) -> None:
        if arrow.is_dictionary(found):
            found = found.value_type
        if _is_text(found) or arrow.is_null(found) or arrow.is_boolean(found):
            return
        if arrow.is_integer(found) or arrow.is_floating(found) or arrow.is_decimal(found):
            return
        if arrow.is_temporal(found):
            fix = f"Make a number of it, such as the hour or the days since a date, or {_LEAVE_OUT}"
        elif arrow.is_nested(found):
            fix = f"Write one column for each value in it, or {_LEAVE_OUT}"
        else:
            fix = f"Write it as numbers or texts, or {_LEAVE_OUT}"
        raise wrong_type(self._source, name, str(found), fix)

    def _broken(self, error: Exception) -> DataInvalid:
        return DataInvalid(
            f"{self._source} is not a whole Parquet file: {str(error).splitlines()[0]}",
            fix="Write or fetch it again.",
        )


def _is_text(found: Any) -> bool:
    return bool(arrow.is_string(found) or arrow.is_large_string(found) or arrow.is_string_view(found))
