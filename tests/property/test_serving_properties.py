"""What holds for any request: rows survive the trip, and a bad one gives nothing but a RequestError."""

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model_code.serving.errors import RequestError
from model_code.serving.media import CSV, JSON, negotiate, read, write
from model_code.serving.signature import Signature

NAMES = ("a", "b", "c")
SIGNATURE = Signature(features=NAMES, id_column=True, label="y", kind="string")
CELL = st.floats(allow_nan=False, allow_infinity=False)
ROWS = st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=20)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from([*NAMES, "instances", "x"]), inner)
    ),
    max_leaves=20,
)


@given(ROWS, st.sampled_from(["\n", "|", "\r\n"]), st.booleans())
def test_csv_rows_arrive_exactly(rows, separator, with_id):
    lines = [",".join([*(["7"] if with_id else []), *map(repr, row)]) for row in rows]

    matrix = read(separator.join(lines), CSV, SIGNATURE).matrix

    assert matrix.dtype == np.float64
    assert matrix.tolist() == rows


@given(ROWS, st.booleans(), st.booleans())
def test_json_rows_arrive_exactly_in_every_form(rows, as_objects, wrapped):
    value = [dict(zip(NAMES, row, strict=True)) for row in rows] if as_objects else rows

    request = read(json.dumps({"instances": value} if wrapped else value), JSON, SIGNATURE)

    assert request.matrix.tolist() == rows
    assert request.wrapped == wrapped


@given(st.binary(max_size=200), st.sampled_from([CSV, JSON, None, "text/plain", ""]))
def test_any_bytes_give_rows_or_a_request_error(body, content_type):
    try:
        request = read(body, content_type, SIGNATURE)
    except RequestError as error:
        assert 400 <= error.status < 500
        json.dumps(error.body())
    else:
        assert request.matrix.shape[1] == 3
        assert np.isfinite(request.matrix).all()


@given(JUNK)
def test_any_json_gives_finite_rows_or_a_request_error(value):
    try:
        request = read(json.dumps(value), JSON, SIGNATURE)
    except RequestError as error:
        assert error.message
    else:
        assert all(math.isfinite(cell) for row in request.matrix.tolist() for cell in row)


@given(
    st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=8)
)
def test_csv_answers_can_be_read_back(predictions):
    import csv
    import io

    body = write(predictions, CSV, wrapped=False)

    assert [
        row[0] if row else "" for row in csv.reader(io.StringIO(body.decode(), newline=""))
    ] == predictions


@given(st.text(max_size=60))
def test_any_accept_header_gives_a_type_or_a_request_error(accept):
    try:
        assert negotiate(accept) in (JSON, CSV)
    except RequestError as error:
        assert error.status == 406
