"""The parser of short decimals gives what `float` gives, or leaves the block to another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_code.serving.csv_rows import read_csv
from model_code.serving.short_decimals import short_decimals
from model_code.serving.signature import Signature

DECIMAL = st.decimals(min_value=-99999, max_value=99999, allow_nan=False, places=3).map(str)
WHOLE = st.integers(min_value=-(10**9), max_value=10**9).map(str)
LONG = st.builds(lambda *of: placed(*of), st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 14))
ODD = st.text(alphabet="0123456789.-+eE \t_", max_size=11)
CELL = st.one_of(DECIMAL, WHOLE, LONG, st.floats(allow_nan=False, allow_infinity=False).map(repr), ODD)


def placed(number: int, places: int) -> str:
    """Write a number with so many of its digits after the dot, and one before it at least."""
    text = f"{abs(number):0{places + 1}d}"
    return ("-" if number < 0 else "") + (f"{text[:-places]}.{text[-places:]}" if places else text)


def table(cells):
    return st.integers(min_value=1, max_value=4).flatmap(
        lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=6)
    )


def read(text: str, width: int, before: str = "", after: str = ""):
    """Read a part of a body."""
    body = f"{before}{text}{after}".encode()
    return short_decimals(body, len(before), len(before) + len(text), width)


@given(table(CELL), st.text(alphabet="0123456789.-,\n", max_size=20), st.text(alphabet="019,\n", max_size=9))
def test_a_part_is_read_as_float_reads_it_or_not_at_all(rows, before, after):
    matrix = read("".join(",".join(row) + "\n" for row in rows), len(rows[0]), before, after)

    if matrix is not None:
        expected = np.array([[float(cell) for cell in row] for row in rows])
        assert matrix.shape == expected.shape
        assert (matrix == expected).all()
        assert (np.signbit(matrix) == np.signbit(expected)).all()


@pytest.mark.parametrize(
    ("cell", "value"),
    [("0", 0.0), ("-0.5", -0.5), (".5", 0.5), ("5.", 5.0), ("12345678", 12345678.0), ("0.1234567", 0.1234567),
     ("-0.001184", -0.001184), ("1234.567", 1234.567), ("-0", -0.0),
     ("123456789", 123456789.0), ("0.00573083", 0.00573083), ("-123456.7890123", -123456.7890123),
     ("999999999999999", 999999999999999.0), ("0.12345678901234", 0.12345678901234)],
)  # fmt: skip
def test_the_usual_ways_to_write_a_measurement_are_read(cell, value):
    matrix = read(f"{cell},1\n", 2)

    assert matrix is not None
    assert matrix[0, 0] == value and np.signbit(matrix[0, 0]) == np.signbit(value)


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "-",
        ".",
        "1.2.3",
        "1e5",
        "+1",
        " 1",
        "1 ",
        "1234567890123456",
        "0.123456789012345",
        "1.2345678.0",
        "12345678.1.",
        "nan",
        "1_0",
        "--1",
    ],
)
def test_whatever_is_no_short_decimal_is_left_to_another_parser(cell):
    assert read(f"1,{cell}\n", 2) is None


@given(table(st.one_of(DECIMAL, WHOLE)), st.sampled_from(["\n", "\r\n", "|"]), st.booleans())
def test_a_body_of_many_blocks_is_read_as_its_rows_one_by_one(rows, separator, single):
    signature = Signature(tuple("abcd"[: len(rows[0])]), False, "y", "number", single_precision=single)
    repeated = rows * (200_000 // (len(rows) * 4) + 1)

    matrix = read_csv(separator.join(",".join(row) for row in repeated).encode(), signature)

    expected = np.array([[float(cell) for cell in row] for row in rows], dtype=signature.dtype)
    assert len(matrix) == len(repeated)
    assert (matrix.reshape(-1, *expected.shape) == expected).all()


@given(table(st.one_of(DECIMAL, LONG)))
def test_every_decimal_of_up_to_fifteen_digits_is_read(rows):
    matrix = read("".join(",".join(row) + "\n" for row in rows), len(rows[0]))

    assert matrix is not None
    assert matrix.tolist() == [[float(cell) for cell in row] for row in rows]
