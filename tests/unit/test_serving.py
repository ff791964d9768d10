"""Requests and answers, without a server."""

import json

import numpy as np
import pytest

from model_code.serving.errors import RequestError
from model_code.serving.media import CSV, JSON, negotiate, read, write
from model_code.serving.model import as_predictions
from model_code.serving.signature import Signature

NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
IRIS = Signature(features=NAMES, id_column=True, label="species", kind="string")
STRICT = Signature(features=NAMES, id_column=False, label="species", kind="string")


def refused(body, content_type=CSV, signature=IRIS) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(body, content_type, signature)
    return caught.value


@pytest.mark.parametrize("separator", ["|", "\n", "\r\n"])
def test_csv_rows_are_split_by_newline_or_bar_and_a_leading_id_is_ignored(separator):
    body = separator.join(["147,6.5,3.0,5.2,2.0", "148,6.2,3.4,5.4,2.3"])

    assert read(body, "text/csv; charset=utf-8", IRIS).matrix.tolist() == [
        [6.5, 3, 5.2, 2],
        [6.2, 3.4, 5.4, 2.3],
    ]


def test_one_row_is_a_matrix_of_one_row():
    assert read(b"6.5,3.0,5.2,2.0\n", CSV, IRIS).matrix.shape == (1, 4)


def test_rows_with_and_without_an_id_may_be_mixed():
    assert read("6.5,3,5.2,2|a-7,6.2,3.4,5.4,2.3", CSV, IRIS).matrix[1].tolist() == [6.2, 3.4, 5.4, 2.3]


@pytest.mark.parametrize(
    "value",
    [
        [[6.5, 3, 5.2, 2]],
        [[147, 6.5, 3, 5.2, 2]],
        {"instances": [[6.5, 3, 5.2, 2]]},
        [dict(zip(NAMES, [6.5, 3, 5.2, 2], strict=True))],
        {"instances": [{"petal_width": 2, "petal_length": 5.2, "sepal_width": 3, "sepal_length": 6.5}]},
    ],
)
def test_json_rows_come_as_lists_objects_or_instances(value):
    request = read(json.dumps(value), None, IRIS)

    assert request.matrix.tolist() == [[6.5, 3, 5.2, 2]]
    assert request.wrapped == isinstance(value, dict)


def test_a_wrong_width_names_row_column_and_both_widths():
    error = refused("147,6.5,3.0,5.2,2.0|1,2,3")

    assert (error.status, error.code, error.row, error.column) == (
        400,
        "wrong_column_count",
        2,
        "petal_width",
    )
    assert "3 columns" in error.message and "4 columns" in error.message


def test_an_id_is_refused_where_the_model_has_none():
    assert refused("147,6.5,3.0,5.2,2.0", signature=STRICT).code == "wrong_column_count"


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("x", "not_a_number"),
        ("", "not_a_number"),
        ("nan", "not_finite"),
        ("-inf", "not_finite"),
        ("1e999", "not_finite"),
    ],
)
def test_a_bad_csv_cell_names_row_and_column(cell, code):
    error = refused(f"1,2,3,4\n1,2,{cell},4")

    assert (error.code, error.row, error.column) == (code, 2, "petal_length")


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("NaN", "not_finite"),
        ("Infinity", "not_finite"),
        ("null", "not_a_number"),
        ("true", "not_a_number"),
        ('"5"', "not_a_number"),
        ("[1]", "not_a_number"),
        ("1" + "0" * 400, "not_a_number"),
    ],
)
def test_a_bad_json_cell_names_row_and_column(cell, code):
    error = refused(f"[[1,2,3,4],[1,2,{cell},4]]", JSON)

    assert (error.code, error.row, error.column) == (code, 2, "petal_length")


def test_a_header_row_is_recognised_in_the_hint():
    assert "header" in refused(",".join(NAMES) + "\n1,2,3,4").hint


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"", CSV, "empty_body"),
        (b" \n", JSON, "empty_body"),
        (b"[]", JSON, "no_rows"),
        (b"{", JSON, "invalid_json"),
        (b"[" * 100_000, JSON, "invalid_json"),
        (b'{"rows": []}', JSON, "no_instances"),
        (b"3", JSON, "not_rows"),
        (b"[1,2,3,4]", JSON, "not_a_row"),
        (b'[{"a": 1}]', JSON, "unknown_column"),
        (b'[{"sepal_length": 1}]', JSON, "missing_column"),
        (b"[{}, 1]", JSON, "missing_column"),
        (b"\xff\xfe", CSV, "not_utf8"),
        (b"1,2,3,4\n\n1,2,3,4", CSV, "wrong_column_count"),
    ],
)
def test_a_wrong_body_is_a_400_with_its_code(body, content_type, code):
    error = refused(body, content_type)

    assert (error.status, error.code) == (400, code)
    assert error.body()["error"]["message"]


def test_a_content_type_that_is_not_served_is_a_415():
    assert refused(b"x", "image/png").status == 415


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("*/*", JSON),
        (CSV, CSV),
        ("TEXT/CSV; q=0.5", CSV),
        ("text/*", CSV),
        ("image/png, text/csv", CSV),
        ("application/json;q=0.2, text/csv;q=0.9", CSV),
        ("text/csv;q=0, */*", JSON),
        ("application/*", JSON),
    ],
)
def test_accept_takes_lists_ranges_and_q_values(accept, chosen):
    assert negotiate(accept) == chosen


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "text/csv;q=x"])
def test_an_accept_that_is_not_served_is_a_406(accept):
    with pytest.raises(RequestError) as caught:
        negotiate(accept)

    assert caught.value.status == 406


def test_csv_answers_quote_a_class_name_with_a_comma():
    assert write(["a,b", 'c"d', "e"], CSV, wrapped=False) == b'"a,b"\n"c""d"\ne\n'


def test_answers_to_instances_are_wrapped_as_predictions():
    assert write([1, 2], JSON, wrapped=True) == b'{"predictions": [1, 2]}'


def test_predictions_become_plain_json_values():
    assert as_predictions(np.array(["a"], dtype=object), "string") == ["a"]
    assert as_predictions(np.array([[2.0]]), "integer") == [2]
    with pytest.raises(ValueError, match="one value a row"):
        as_predictions(np.ones((2, 2)), "number")
