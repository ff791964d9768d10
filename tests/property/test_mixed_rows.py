"""Tables with categories and missing values: what training read is what a request says, whatever its form."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_code.serving.csv_cells import line_of, rows_of
from model_code.serving.errors import RequestError
from model_code.serving.media import CSV, JSON, JSON_LINES, NPY, SERVED, read
from model_code.serving.mixed_signature import read_signature
from stacks.model_section import ModelSection
from stacks.settings import ModelSettings
from training.data import load_dataset
from training.signature import as_request_rows, signature_of

many = settings(max_examples=max(250, settings.default.max_examples))
NUMBER = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number or 0.0)
TEXT = st.text(st.sampled_from("ab\"',|;\n\r\t {}[]é_1.-\u2028"), max_size=6) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), max_size=6
)
TOKENS = st.sampled_from(
    [*b'1 -2.5 red " "" , | [ ] { } : null "red" "n" "c" nan 1e999 _ 1,red,2 [[1,"red",2]]'.split(),
     b"\n", b"\r\n", b" ", b"\xff", b"\xe2\x80\xa8"]
)  # fmt: skip
FEATURES = [
    {"name": "n", "type": "number", "missing": 1},
    {"name": "c", "type": "category", "categories": ["a|b", "blue, dark", "red"], "missing": 1},
    {"name": "z", "type": "number"},
]
CELLS = st.tuples(NUMBER | st.none(), st.sampled_from(["red", "a|b", "rad", None, "", 1]), NUMBER | st.none())
SIGNATURES = [
    read_signature(
        {
            "signature": {
                "features": FEATURES,
                "id_column": ids,
                "prediction": {"name": "y", "type": "number"},
            }
        },
        max_rows=20,
        single_precision=single,
    )
    for ids in (False, True)
    for single in (False, True)
]


@st.composite
def tables(draw):
    """Rows of numbers and texts; the first is whole, so that no column is empty."""
    kinds = draw(st.lists(st.sampled_from(["number", "text"]), min_size=1, max_size=4))
    cells = [NUMBER if kind == "number" else TEXT.map(str.strip).filter(bool) for kind in kinds]
    first = draw(st.tuples(*cells))
    rest = draw(st.lists(st.tuples(*(st.none() | cell for cell in cells)), min_size=1, max_size=8))
    return kinds, [first, *rest]


def npy(matrix) -> bytes:
    stream = io.BytesIO()
    np.save(stream, matrix)
    return stream.getvalue()


@many
@given(tables())
def test_what_training_read_from_a_csv_is_what_every_request_says(table):
    kinds, rows = table
    names = [f"f{place}" for place in range(len(kinds))]
    with tempfile.TemporaryDirectory() as folder:
        with Path(folder, "t.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*names, "y"])
            writer.writerows([*row, number] for number, row in enumerate(rows))
        section = ModelSection(
            task="regression",
            data="t.csv",
            label="y",
            missing_values=True,
            categories=tuple(name for name, kind in zip(names, kinds, strict=True) if kind == "text"),
        )
        of_model = ModelSettings(name="m", folder=Path(folder), model=section)
        dataset = load_dataset(of_model)
    described = signature_of(of_model, dataset)
    matrix = dataset.features.to_numpy()
    sent = as_request_rows(matrix, described)
    assert sent == [list(row) for row in rows]

    signature = read_signature({"signature": described})
    objects = [
        {name: cell for name, cell in zip(names, row, strict=True) if cell is not None} for row in sent
    ]
    bodies = [
        (JSON, json.dumps(sent)),
        (JSON, json.dumps({"instances": objects})),
        (JSON_LINES, "\n".join(json.dumps(row) for row in sent)),
        (NPY, npy(matrix)),
    ]
    # A row of one empty cell at the end of a body is a blank line.
    if len(kinds) > 1:
        bodies += [(CSV, separator.join(map(line_of, sent))) for separator in ("\n", "|", "\r\n")]
    for media_type, body in bodies:
        assert np.array_equal(read(body, media_type, signature).matrix, matrix, equal_nan=True), media_type


@many
@given(st.lists(st.lists(TEXT, min_size=2, max_size=4), min_size=1, max_size=5), st.sampled_from(["\n", "|"]))
def test_cells_survive_the_trip_through_csv(rows, separator):
    rows = [[cell.strip() for cell in row] for row in rows]

    assert list(rows_of(separator.join(map(line_of, rows)))) == rows


@given(st.text(st.sampled_from('ab",| \n\r\t')))
def test_any_text_is_read_as_rows(text):
    rows = list(rows_of(text))

    assert rows and all(rows)
    assert list(rows_of("\n".join(map(line_of, rows)))) == rows or not any(rows[-1])


@pytest.mark.parametrize("media_type", SERVED)
@many
@given(
    st.lists(TOKENS, max_size=30).map(b"".join) | st.binary(max_size=80),
    st.sampled_from(SIGNATURES),
)
def test_any_bytes_give_rows_or_a_request_error(bodies, media_type, body, signature):
    bodies[0] += 1
    try:
        matrix = read(body, media_type, signature).matrix
    except RequestError as error:
        assert 400 <= error.status < 500
        assert len(json.dumps(error.body())) < 4000
        return
    assert matrix.dtype == signature.dtype
    assert matrix.shape[1] == 3 and 1 <= len(matrix) <= 20
    assert not np.isinf(matrix).any() and not np.isnan(matrix[:, 2]).any()
    assert set(np.unique(matrix[:, 1][~np.isnan(matrix[:, 1])])) <= {0.0, 1.0, 2.0}


@many
@given(st.lists(CELLS, min_size=1, max_size=6), st.booleans())
def test_rows_by_columns_and_one_by_one_are_judged_alike(rows, text):
    signature = SIGNATURES[0]
    cells = [["" if cell is None else str(cell) for cell in row] if text else list(row) for row in rows]
    by_columns = signature._by_columns(cells, text=text)
    try:
        expected = [signature.numbers(number, row, text=text) for number, row in enumerate(cells, start=1)]
    except RequestError:
        assert by_columns is None
    else:
        assert np.array_equal(by_columns, np.array(expected), equal_nan=True)
