"""The signature, and requests by one with categories and missing values."""

import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model_code.serving.csv_cells import line_of, rows_of
from model_code.serving.errors import RequestError
from model_code.serving.media import CSV, JSON, JSON_LINES, NPY, read
from model_code.serving.mixed_signature import MixedSignature, read_signature
from model_code.serving.signature import Signature
from stacks.model_section import ModelSection
from stacks.settings import ModelSettings
from training.data import Dataset
from training.signature import as_request_rows, signature_of

NAN = np.nan
COLORS = ["blue", "red", 'sky, "light"|er']
FEATURES = [
    {"name": "area", "type": "number", "missing": 2},
    {"name": "color", "type": "category", "categories": COLORS},
    {"name": "city", "type": "category", "categories": ["7", "Köln"], "missing": 1},
    {"name": "rooms", "type": "integer"},
]
PREDICTION = {"name": "price", "type": "number"}


def signature(*, id_column=False, **limits) -> Signature:
    described = {"features": FEATURES, "id_column": id_column, "prediction": PREDICTION}
    return read_signature({"signature": described}, **limits)


def npy(rows) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(rows))
    return stream.getvalue()


def same(found, expected) -> bool:
    return np.array_equal(found, np.array(expected, dtype=found.dtype), equal_nan=True)


def refused(body, content_type, **limits) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(body, content_type, signature(**limits))
    return caught.value


def test_the_signature_says_type_range_categories_and_missing():
    features = pd.DataFrame(
        {"area": [1.5, NAN, 3.0], "rooms": [1.0, 2.0, NAN], "city": [1.0, NAN, 0.0], "big": [1e300, 1.0, 2.0]}
    )
    dataset = Dataset(
        features, pd.Series([1.0, 2.0, 3.0]), {"area": "m2"}, "t.csv", "", {"city": ("Bonn", "Köln")}
    )
    section = ModelSection(task="regression", data="t.csv", label="price")
    found = signature_of(ModelSettings(name="m", folder=Path("/"), model=section), dataset)

    assert found["features"] == [
        {"name": "area", "type": "number", "minimum": 1.5, "maximum": 3.0, "unit": "m2", "missing": 1},
        {"name": "rooms", "type": "integer", "minimum": 1.0, "maximum": 2.0, "missing": 1},
        {"name": "city", "type": "category", "categories": ["Bonn", "Köln"], "missing": 1},
        {"name": "big", "type": "number", "minimum": 1.0, "maximum": 1e300},
    ]
    assert json.loads(json.dumps(found)) == found


def test_rows_of_the_matrix_become_what_a_person_would_send_and_come_back():
    matrix = np.array([[1.5, 2, NAN, 3], [NAN, 0, 1, -1]])
    rows = as_request_rows(matrix, {"features": FEATURES})

    assert rows == [[1.5, COLORS[2], None, 3.0], [None, "blue", "Köln", -1.0]]
    assert same(signature().matrix(rows), matrix)
    assert same(read("\n".join(map(line_of, rows)), CSV, signature()).matrix, matrix)


def test_plain_numbers_have_the_plain_signature():
    described = {"features": [{"name": "a"}, {"name": "b", "type": "integer"}], "id_column": False,
                 "prediction": PREDICTION}  # fmt: skip

    assert type(read_signature({"signature": described})) is Signature
    assert isinstance(signature(), MixedSignature)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps([[1.5, "red", "7", 3], [None, COLORS[2], None, 4]]), JSON),
        (json.dumps({"instances": [[1.5, "red", "7", 3], [None, COLORS[2], None, 4]]}), JSON),
        (
            json.dumps(
                [
                    {"rooms": 3, "color": "red", "area": 1.5, "city": "7"},
                    {"rooms": 4, "color": COLORS[2], "city": None},
                ]
            ),
            JSON,
        ),
        ('[1.5, "red", "7", 3]\n' + json.dumps([None, COLORS[2], None, 4]) + "\n", JSON_LINES),
        ('1.5,red,7,3\n,"sky, ""light""|er",,4\n', CSV),
        ('1.5, red ,"7",3|,"sky, ""light""|er" , ,"4"', CSV),
        ('1.5,red,7,3\r\n,"sky, ""light""|er","",4\r\n', CSV),
        (npy([[1.5, 1, 0, 3], [NAN, 2, NAN, 4]]), NPY),
        (npy(np.array([[1.5, 1, 0, 3], [NAN, 2, NAN, 4]], dtype=np.float32)), NPY),
    ],
)
def test_categories_and_missing_values_arrive_by_every_media_type(body, content_type, single):
    found = read(body, content_type, signature(single_precision=single)).matrix

    assert found.dtype == (np.float32 if single else np.float64)
    assert same(found, [[1.5, 1, 0, 3], [NAN, 2, NAN, 4]])


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("x7,1.5,red,7,3|x8,,blue,,4", CSV), ('[["x7",1.5,"red","7",3],["x8",null,"blue",null,4]]', JSON),
     ("x7,1.5,red,7,3|,blue,,4", CSV), (npy([[9, 1.5, 1, 0, 3], [9, NAN, 0, NAN, 4]]), NPY)],
)  # fmt: skip
def test_a_leading_id_is_ignored(body, content_type):
    found = read(body, content_type, signature(id_column=True)).matrix

    assert same(found, [[1.5, 1, 0, 3], [NAN, 0, NAN, 4]])


@pytest.mark.parametrize(
    ("cells", "status", "code", "column"),
    [
        ('1,"rad","7",1', 422, "unknown_category", "color"),
        ('1,"RED","7",1', 422, "unknown_category", "color"),
        ('1,1,"7",1', 422, "unknown_category", "color"),
        ('1,true,"7",1', 422, "unknown_category", "color"),
        ('1,["red"],"7",1', 422, "unknown_category", "color"),
        ('1,null,"7",1', 422, "unknown_category", "color"),
        ('1,"red",7,1', 422, "unknown_category", "city"),
        ('1,"red","",1', 422, "unknown_category", "city"),
        ('"","red","7",1', 400, "not_a_number", "area"),
        ('true,"red","7",1', 400, "not_a_number", "area"),
        ('"red","red","7",1', 400, "not_a_number", "area"),
        ('NaN,"red","7",1', 400, "not_finite", "area"),
        ('1,"red","7",null', 400, "not_a_number", "rooms"),
        ('1,"red","7","1"', 400, "not_a_number", "rooms"),
        ('1,"red","7"', 400, "wrong_column_count", "rooms"),
    ],
)
def test_a_bad_json_cell_names_row_and_column(cells, status, code, column):
    error = refused(f'[[1,"red","7",1],[{cells}]]', JSON)

    assert (error.status, error.code, error.row, error.column) == (status, code, 2, column)
    assert error.hint


@pytest.mark.parametrize(
    ("line", "status", "code", "column"),
    [
        ("1,rad,7,1", 422, "unknown_category", "color"),
        ("1,,7,1", 422, "unknown_category", "color"),
        ("1,red,8,1", 422, "unknown_category", "city"),
        ('1,"red,7,1', 422, "unknown_category", "color"),
        ("nan,red,7,1", 400, "not_finite", "area"),
        ("1_0,red,7,1", 400, "not_a_number", "area"),
        ("1,red,7,", 400, "not_a_number", "rooms"),
        ("1,red,7,x", 400, "not_a_number", "rooms"),
        ("1,red,7,1e999", 400, "not_finite", "rooms"),
        ("1,red,7,1e40", 400, "too_large", "rooms"),
        ("1,red,7,1,5,6", 400, "wrong_column_count", None),
        ('1,red,"7",1,"5",6,7', 400, "wrong_column_count", None),
        ("1,red", 400, "wrong_column_count", "city"),
    ],
)
def test_a_bad_csv_cell_names_row_and_column(line, status, code, column):
    error = refused(f"1,red,7,1\n{line}\n", CSV, single_precision=True)

    assert (error.status, error.code, error.row, error.column) == (status, code, 2, column)


@pytest.mark.parametrize(
    ("row", "status", "code", "column"),
    [
        ([1, 3, 0, 1], 422, "unknown_category", "color"),
        ([1, -1, 0, 1], 422, "unknown_category", "color"),
        ([1, 0.5, 0, 1], 422, "unknown_category", "color"),
        ([1, NAN, 0, 1], 400, "not_finite", "color"),
        ([np.inf, 1, 0, 1], 400, "not_finite", "area"),
        ([1, 1, 0, NAN], 400, "not_finite", "rooms"),
    ],
)
def test_npy_carries_places_and_nan_only_where_they_may_be(row, status, code, column):
    error = refused(npy([[NAN, 1, NAN, 1], row]), NPY)

    assert (error.status, error.code, error.row, error.column) == (status, code, 2, column)


def test_an_unknown_text_is_told_with_what_is_allowed_and_the_nearest():
    error = refused("1,rad,7,1", CSV)

    assert error.message == "Row 1, color: 'rad' is not one of its categories."
    assert error.hint == "Send one of 'blue', 'red', 'sky, \"light\"|er'. Did you mean 'red'?"


def test_of_many_categories_ten_are_shown():
    texts = [f"c{number:03}" for number in range(500)]
    described = {"features": [{"name": "c", "categories": texts}], "id_column": False,
                 "prediction": PREDICTION}  # fmt: skip
    with pytest.raises(RequestError) as caught:
        read(json.dumps([["C499" * 5000]]), JSON, read_signature({"signature": described}))

    assert "'c009' and 490 more." in caught.value.hint
    assert len(json.dumps(caught.value.body())) < 1000


def test_an_absent_key_is_missing_only_where_that_is_allowed():
    found = read('[{"color": "red", "rooms": 1}, {"color": "red", "rooms": 1, "area": 5}]', JSON, signature())

    assert same(found.matrix, [[NAN, 1, NAN, 1], [5, 1, NAN, 1]])
    error = refused('[{"color": "red"}]', JSON)
    assert (error.code, error.column) == ("missing_column", "rooms")
    assert refused('[{"color": "red", "rooms": 1, "colour": 1}]', JSON).code == "unknown_column"


def test_a_header_row_is_recognised_in_the_hint():
    assert "header" in refused("area,color,city,rooms\n1,red,7,1", CSV).hint
    assert "header" in refused(",color,city,1\n1,red,7,1", CSV).hint


def test_more_rows_than_allowed_are_a_413_and_brackets_in_texts_are_no_rows():
    assert refused("1,red,7,1\n" * 11, CSV, max_rows=10).status == 413
    assert refused(json.dumps([[1, "red", "7", 1]] * 11), JSON, max_rows=10).status == 413
    described = {"features": [{"name": "c", "categories": ["[[[{", "b"]}], "id_column": False,
                 "prediction": PREDICTION}  # fmt: skip
    found = read(json.dumps([["[[[{"]] * 10), JSON, read_signature({"signature": described}, max_rows=10))
    assert found.matrix.shape == (10, 1)


def test_rows_in_many_parts_are_numbered_through():
    body = "1,red,7,1\n" * 30_000

    assert read(body, CSV, signature()).matrix.shape == (30_000, 4)
    assert refused(f"{body}1,rad,7,1", CSV).row == 30_001
    assert refused(f"{body}1,red,7,1,1,1", CSV).row == 30_001


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a,"b|c"|d,e', [["a", "b|c"], ["d", "e"]]),
        ('"a\nb",c\r\nd, "e" \n\n', [["a\nb", "c"], ["d", "e"]]),
        ('"",""""|x"y,z', [["", '"'], ['x"y', "z"]]),
        ('"a', [['"a']]),
        ('"a"b,c', [['"a"b', "c"]]),
        ('a,"b"|\n', [["a", "b"]]),
        ("a,b| \n", [["a", "b"]]),
        (" a , b ", [["a", "b"]]),
    ],
)
def test_cells_of_csv_are_as_rfc_4180_has_them(text, rows):
    assert list(rows_of(text)) == rows
