"""Whatever the body: the parsers agree to the bit on what they take, and refuse the rest."""

from __future__ import annotations

import io
import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_code.serving.csv_rows import _exact, _large, _small
from model_code.serving.errors import RequestError
from model_code.serving.media import CSV, JSON, JSON_LINES, NPY, SERVED, media_type_of, negotiate, read, write
from model_code.serving.signature import Signature

NAMES = ("a", "b", "c")
SIGNATURES = [
    Signature(features=NAMES, id_column=ids, label="y", kind="number", single_precision=single, max_rows=20)
    for ids, single in itertools.product((False, True), repeat=2)
]
SINGLE, DOUBLE = (Signature(NAMES, False, "y", "number", single_precision=single) for single in (True, False))
# 2,000 bodies at least in every run, beside what the profile asks for.
many = settings(max_examples=max(250, settings.default.max_examples))

NUMBER = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.integers(-(2**70), 2**70),
    st.integers(-20, 20).map(lambda number: number / 10),
)
SINGLE_NUMBER = NUMBER.filter(lambda number: abs(number) <= float(np.finfo(np.float32).max))
# As any library or person writes a number; JSON, and so the fast parser, knows fewer of these forms.
FORMS = st.sampled_from(["{!r}", "{:.3f}", "{:.17e}", " {!r} ", "{:g}", "{:+g}", "{:G}"])
CELLS = (b'1 -2.5 1e9 1e39 1e999 nan inf # 1_0 0x1 null true a \' "x" "a" "instances" \\u0000').split()
MARKS = [b"", b" ", b",", b"\n", b"\r", b"|", b"[", b"]", b"{", b"}", b":", b"1,2,3\n", b"[[1,2,3]]"]
# No UTF-8, a byte-order mark, digits of Arabic, a line separator, numbers and lists without end.
STRANGE = [b"\xff", b"\x00", b"\xef\xbb\xbf", b"\xd9\xa1", b"\xe2\x80\xa8", b"1" * 400, b"[" * 1020]
TOKEN = st.sampled_from([*CELLS, *MARKS, *STRANGE])
JUNK = st.one_of(st.binary(max_size=120), st.lists(TOKEN, max_size=30).map(b"".join))
JSON_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | NUMBER,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from([*NAMES, "instances", "id"]), inner)
    ),
    max_leaves=20,
)


def rows_of(number: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(st.lists(number, min_size=3, max_size=3), min_size=1, max_size=12)


def gives_rows_or_a_request_error(body: bytes, content_type: str | None, signature: Signature) -> None:
    try:
        matrix = read(body, content_type, signature).matrix
    except RequestError as error:
        assert 400 <= error.status < 500
        assert len(json.dumps(error.body())) < 4000
        return
    assert matrix.ndim == 2 and matrix.shape[1] == 3 and 1 <= len(matrix) <= 20
    assert matrix.dtype == signature.dtype
    assert np.isfinite(matrix).all()


def npy(header: str, data: bytes) -> bytes:
    line = header.encode("latin-1", "replace")[:60_000] + b"\n"
    return b"\x93NUMPY\x01\x00" + len(line).to_bytes(2, "little") + line + data


def agree(rows: list[list[float]], form: str, separator: str, signature: Signature) -> None:
    text = separator.join(",".join(form.format(cell) for cell in row) for row in rows).encode()
    exact = _exact(text, signature)
    assert exact.dtype == signature.dtype
    for fast in (_small, _large):
        matrix = fast(text, signature)
        if matrix is None:  # left to the exact one
            # "+1" is no JSON, and "-0" is the integer 0 there.
            assert fast is _small and form in ("{:+g}", "{:g}", "{:G}")
        else:
            assert matrix.dtype == exact.dtype
            assert np.array_equal(matrix, exact)
            if "g" not in form.lower():
                assert matrix.tobytes() == exact.tobytes()
    if form == "{!r}":
        expected = np.array([[float(cell) for cell in row] for row in rows]).astype(signature.dtype)
        assert exact.tobytes() == expected.tobytes()


@many
@given(rows_of(NUMBER), FORMS, st.sampled_from(["\n", "|", "\r\n"]))
def test_all_csv_parsers_give_the_same_64_bit_floats(bodies, rows, form, separator):
    bodies[0] += 3
    agree(rows, form, separator, DOUBLE)


@many
@given(rows_of(SINGLE_NUMBER), FORMS, st.sampled_from(["\n", "|", "\r\n"]))
def test_all_csv_parsers_give_the_same_32_bit_floats(bodies, rows, form, separator):
    bodies[0] += 3
    agree(rows, form, separator, SINGLE)


@many
@given(rows_of(NUMBER), st.sampled_from(["<f8", ">f8"]), st.booleans())
def test_every_media_type_carries_the_same_rows(bodies, rows, dtype, fortran):
    matrix = np.array(rows, dtype=np.float64)
    rows = matrix.tolist()
    stream = io.BytesIO()
    np.save(stream, np.array(matrix, dtype=dtype, order="F" if fortran else "C"))
    texts = {
        CSV: "\n".join(",".join(map(repr, row)) for row in rows).encode(),
        JSON: json.dumps(rows).encode(),
        JSON_LINES: "\n".join(map(json.dumps, rows)).encode(),
        NPY: stream.getvalue(),
    }
    for media_type, body in texts.items():
        bodies[0] += 1
        assert read(body, media_type, DOUBLE).matrix.tobytes() == matrix.tobytes()


@pytest.mark.parametrize("media_type", SERVED)
@many
@given(JUNK, st.sampled_from(SIGNATURES))
def test_any_bytes_give_rows_or_a_request_error(bodies, media_type, body, signature):
    bodies[0] += 1
    gives_rows_or_a_request_error(body, media_type, signature)


@pytest.mark.parametrize("media_type", SERVED)
@many
@given(st.data(), st.sampled_from(SIGNATURES))
def test_a_right_body_with_some_bytes_changed_gives_rows_or_a_request_error(
    bodies, media_type, data, signature
):
    stream = io.BytesIO()
    np.save(stream, np.arange(9.0).reshape(3, 3))
    right = {
        CSV: b"1,2,3\n4.5,-6e3,7\r\n8,9,0.1\n",
        JSON: b'{"instances": [[1, 2, 3], [4.5, -6e3, 7]]}',
        JSON_LINES: b'{"a": 1, "b": 2, "c": 3}\n{"c": 1, "b": 2.5, "a": -3}\n',
        NPY: stream.getvalue(),
    }[media_type]
    body = bytearray(right)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = start + data.draw(st.integers(0, 3))
        body[start:end] = data.draw(TOKEN | st.binary(max_size=3))
    bodies[0] += 1
    gives_rows_or_a_request_error(bytes(body), media_type, signature)


@many
@given(JSON_JUNK, st.sampled_from(SIGNATURES), st.booleans())
def test_any_json_gives_rows_or_a_request_error(bodies, value, signature, lines):
    bodies[0] += 1
    gives_rows_or_a_request_error(json.dumps(value).encode(), JSON_LINES if lines else JSON, signature)


@many
@given(
    st.sampled_from(["<f8", ">f4", "<f2", "<f16", "<i8", "|u1", "|b1", "<c16", "|O", "<U3", "|V0", "x"]),
    st.booleans(),
    st.lists(st.integers() | st.integers(0, 5) | st.booleans(), max_size=4).map(tuple),
    st.binary(max_size=100),
    st.sampled_from(SIGNATURES),
)
def test_any_header_of_npy_gives_rows_or_a_request_error(bodies, descr, fortran, shape, data, signature):
    bodies[0] += 1
    header = repr({"descr": descr, "fortran_order": fortran, "shape": shape})
    with np.errstate(all="ignore"):
        gives_rows_or_a_request_error(npy(header, data), NPY, signature)


@many
@given(st.text(alphabet="(){}[]',:0x9fTrue-descrhapotn_ \n<8", max_size=200), st.sampled_from(SIGNATURES))
def test_any_text_in_the_header_of_npy_gives_rows_or_a_request_error(bodies, header, signature):
    bodies[0] += 1
    gives_rows_or_a_request_error(npy(header, b"\0" * 24), NPY, signature)


@given(
    st.lists(
        st.sampled_from([*SERVED, "text/*", "*/*", "image/png", ";q=", "0.5", "nan", ",", ";", "1e9", " "])
    )
)
def test_any_accept_header_gives_a_media_type_or_a_406(parts):
    try:
        assert negotiate("".join(parts)) in SERVED
    except RequestError as error:
        assert error.status == 406


@given(st.text(max_size=40) | st.sampled_from(SERVED).map(lambda name: f" {name.upper()} ; charset=x"))
def test_any_content_type_gives_a_media_type_or_a_415(content_type):
    try:
        assert media_type_of(content_type) in SERVED
    except RequestError as error:
        assert error.status == 415


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.sampled_from(SERVED))
def test_predictions_can_be_read_back_from_every_media_type(predictions, media_type):
    body = write(predictions, media_type, wrapped=False)

    found = {
        JSON: lambda: json.loads(body),
        JSON_LINES: lambda: [json.loads(line) for line in body.splitlines()],
        CSV: lambda: [float(line) for line in body.decode().splitlines()],
        NPY: lambda: np.load(io.BytesIO(body), allow_pickle=False).tolist(),
    }[media_type]()
    assert found == predictions and all(map(math.isfinite, found))
