"""Data of every form: what is read, and what is refused by file, row and column."""

import datetime
import gzip
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway.errors import DataInvalid
from stacks.model_section import ModelSection
from stacks.settings import ModelSettings
from training.data import MOST_CATEGORIES, load_dataset

PARQUET_REFUSED = {
    "timestamp": (
        pa.array([datetime.datetime(2024, 1, 1)] * 4),
        "column 'a': the type timestamp.*\n.*\n.*days since a date",
    ),
    "list": (pa.array([[1.0]] * 4), "column 'a': the type list.*\n.*\n.*one column for each value"),
    "struct": (pa.array([{"x": 1}] * 4), "column 'a': the type struct"),
    "binary": (pa.array([b"x"] * 4), "column 'a': the type binary.*\n.*\n.*numbers or texts"),
    "text": (pa.array(["a"] * 4), "row 1, column 'a': 'a' is not a finite number"),
    "infinity": (pa.array([1.0, np.inf, 2.0, 3.0]), "row 2, column 'a': 'inf' is not a finite number"),
}


@pytest.fixture
def load(tmp_path):
    """Write a file and read it as a model folder's data."""

    def load(content, name="t.csv", *, task="regression", **model):
        path = tmp_path / name
        if isinstance(content, pa.Table):
            pq.write_table(content, path)
        elif content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        section = ModelSection(task=task, data=name, label="y", **model)
        return load_dataset(ModelSettings(name="m", folder=tmp_path, model=section))

    return load


def test_two_thousand_columns_are_read(load):
    matrix = np.random.default_rng(0).normal(size=(7, 2001))
    header = ",".join([*(f"f{place}" for place in range(2000)), "y"])
    lines = [",".join(map(repr, row)) for row in matrix.tolist()]

    dataset = load("\n".join([header, *lines]))

    assert dataset.features.shape == (7, 2000)
    assert (dataset.features.to_numpy() == matrix[:, :-1]).all()
    assert dataset.label.tolist() == matrix[:, -1].tolist()


def test_csv_parquet_and_gzip_of_the_same_table_are_the_same_data(load):
    table = pd.DataFrame(
        {"a": [1.5, np.nan, -3.25], "on": [True, False, True], "c": ["x", None, "a,b"], "y": [1.0, 2.0, 3.0]}
    )
    more = {"categories": ["c"], "missing_values": True}
    text = 'a,on,c,y\n1.5,1,x,1\n,0,,2.0\n-3.25, 1 ,"a,b",3\n'

    found = [
        load(text, **more),
        load("\ufeff" + text.replace("\n", "\r\n"), **more),
        load(gzip.compress(text.encode()), "t.csv.gz", **more),
        load(pa.Table.from_pandas(table), "t.parquet", **more),
    ]

    assert len({dataset.sha256 for dataset in found}) == 1
    for dataset in found:
        assert dataset.categories == {"c": ("a,b", "x")}
        assert dataset.features["on"].tolist() == [1.0, 0.0, 1.0]
        assert np.array_equal(dataset.features["c"], [1.0, np.nan, 0.0], equal_nan=True)
        assert np.array_equal(dataset.features["a"], [1.5, np.nan, -3.25], equal_nan=True)


def test_parquet_columns_of_every_kind_of_number_are_read(load):
    kinds = [
        pa.int8(),
        pa.uint16(),
        pa.int64(),
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.decimal128(9, 2),
    ]
    columns = {str(kind): pa.array([1, 2, 3], pa.int8()).cast(kind) for kind in kinds}
    columns["color"] = pa.array(["red", "blue", "red"]).dictionary_encode()
    columns["shop"] = pa.array([7, 8, 7])
    columns["y"] = pa.array([1, 2, 3])

    dataset = load(pa.table(columns), "t.parquet", categories=["color", "shop"])

    for kind in kinds:
        assert dataset.features[str(kind)].tolist() == [1.0, 2.0, 3.0]
    assert dataset.categories == {"color": ("blue", "red"), "shop": ("7", "8")}
    assert dataset.features["color"].tolist() == [1.0, 0.0, 1.0]


def test_the_row_index_that_pandas_stores_is_no_feature(load):
    table = pd.DataFrame({"a": [1.0, 2.0], "y": [1.0, 2.0]}, index=[5, 9])

    assert list(load(pa.Table.from_pandas(table), "t.parquet").features) == ["a"]


@pytest.mark.parametrize(
    ("column", "classes"),
    [
        (pa.array(["b", "a", "b", "a"]), ["b", "a", "b", "a"]),
        (pa.array([3, 1, 3, 1]), [3, 1, 3, 1]),
        (pa.array([3.0, 1.0, 3.0, 1.0]), [3, 1, 3, 1]),
        (pa.array([True, False, True, False]), [1, 0, 1, 0]),
    ],
)
def test_classes_of_parquet_are_texts_or_whole_numbers(load, column, classes):
    label = load(
        pa.table({"a": pa.array([1, 2, 3, 4]), "y": column}), "t.parquet", task="classification"
    ).label

    assert label.tolist() == classes
    assert {type(value) for value in label.tolist()} == {type(classes[0])}


@pytest.mark.parametrize("kind", PARQUET_REFUSED)
def test_a_type_that_is_no_feature_is_refused_by_name(load, kind):
    column, message = PARQUET_REFUSED[kind]
    table = pa.table({"a": column, "b": pa.array([1, 2, 3, 4]), "y": pa.array([1, 2, 3, 4])})

    with pytest.raises(DataInvalid, match=message):
        load(table, "t.parquet")
    assert list(load(table, "t.parquet", features=["b"]).features) == ["b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no header row"),
        ("a,y\n", "has no rows"),
        ("a,y\n1,2\n1,2,3\n", "line 3: 3 cells, and the header names 2"),
        ("a,b,y\n1,2,3\n\n1,2\n", "line 4: 2 cells"),
        ('a,y\n1,2\n"1,2\n', "line 3: unexpected end of data"),
        ('a,y\n1,2\n"1"x,2\n', "line 3: "),
        ("a,a,y\n1,2,3\n", "the column 'a' twice"),
        ("a;y\n1;2\n", "split by ';'"),
        (",a,y\n0,1,2\n", "column 1 has no name"),
        ("a,why\n1,2\n", "no label column 'y'"),
        ("y\n1\n", "has no feature columns"),
        ("a,y\n1,2\nred,2\n", "row 2, column 'a': 'red' is not a finite number.*\n.*\n.*categories"),
        ("a,y\n1,2\n1_000,2\n", "row 2, column 'a': '1_000'"),
        ("a,y\n1,2\nnan,2\n", "row 2, column 'a': 'nan'"),
        ("a,y\n1,2\n ,2\n", "row 2, column 'a': the cell is empty.\n.*missing_values = true"),
        ("a,y\n1,2\n1,\n", "row 2, column 'y': the label is empty"),
        ("a,y\n1,2\n1,x\n", "row 2, column 'y': 'x' is not a finite number"),
        (b"a,y\n1,2\n\xe9,2\n", "line 3, is not UTF-8"),
        ("a,y\n1,2\n".encode("utf-16"), "line 1, is not UTF-8"),
        (None, "is not there"),
    ],
)
def test_a_csv_that_cannot_be_read_is_told_by_its_place(load, text, message):
    with pytest.raises(DataInvalid, match=message) as caught:
        load(text)

    assert caught.value.what.startswith("t.csv") and caught.value.fix


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"categories": ["colour"]}, "no category column 'colour'.\n.*Did you mean 'color'"),
        ({"categories": ["y"]}, "no category column 'y'"),
        ({"categories": ["color"], "features": ["a"]}, "no category column 'color'"),
        ({"categories": ["color"], "features": ["color"]}, "row 2, column 'color': the cell is empty"),
        ({"categories": ["color"], "missing_values": True}, "column 'gone': every cell is empty"),
    ],
)
def test_settings_that_do_not_fit_the_columns_are_refused(load, settings, message):
    with pytest.raises(DataInvalid, match=message):
        load("a,color,gone,y\n1,red,,2\n1,,,3\n", **settings)


def test_a_column_of_too_many_texts_is_no_category(load):
    lines = [f"t{row},{row}" for row in range(MOST_CATEGORIES + 1)]

    with pytest.raises(DataInvalid, match="column 'a': 1,001 different texts"):
        load("\n".join(["a,y", *lines]), categories=["a"])


def test_xgboost_takes_missing_values_unless_told_otherwise(load):
    text = "a,y\n1,2\n,3\n"

    assert np.isnan(load(text, framework="xgboost").features.loc[1, "a"])
    with pytest.raises(DataInvalid, match="the cell is empty"):
        load(text, framework="xgboost", missing_values=False)


def test_a_label_of_whole_numbers_in_a_csv_is_integers_and_codes_are_places(load):
    text = "a,y\n1,{0}\n1,{1}\n2,{0}\n2,{1}\n"

    assert load(text.format(7, 3), task="classification").label.tolist() == [7, 3, 7, 3]
    assert load(text.format("b", "a"), task="classification", label_codes=True).label.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"PAR1 and no more", "t.parquet", "not a whole Parquet file"),
        (gzip.compress(b"a,y\n" + b"1,2\n" * 1000, mtime=0)[:-9], "t.csv.gz", "cannot be read to its end"),
        (b"a,y\n1,2\n", "t.csv.gz", "cannot be read to its end"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(load, content, name, message):
    with pytest.raises(DataInvalid, match=message):
        load(content, name)


def test_a_folder_is_no_file(load, tmp_path):
    (tmp_path / "t.csv").mkdir()

    with pytest.raises(DataInvalid, match="Is a directory"):
        load(None)


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://Bucket/key.csv", "s3:///key.csv"])
def test_an_address_that_is_no_object_is_refused(tmp_path, uri):
    section = ModelSection(task="regression", data=uri, label="y")

    with pytest.raises(DataInvalid, match="no object of S3"):
        load_dataset(ModelSettings(name="m", folder=tmp_path, model=section))


def test_parquet_and_aws_are_imported_only_where_they_are_needed():
    code = "import sys, training.train; print({'pyarrow.parquet', 'boto3'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "set()"
