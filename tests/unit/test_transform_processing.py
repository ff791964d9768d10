"""InputFilter, JoinSource and OutputFilter, as the developer guide has them."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.sagemaker.transform.csv_records import CsvRecords
from localaws.sagemaker.transform.failures import RecordError
from localaws.sagemaker.transform.json_path import PathError, parse, select
from localaws.sagemaker.transform.json_records import JsonRecords
from localaws.sagemaker.transform.processing import Processing, records_of

ROW = [10, 11, 12, 13, 14, 15]
CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("path", "selected"),
    [
        ("$", ROW), ("$[1:]", ROW[1:]), ("$[1:4]", ROW[1:5]), ("$[:5]", ROW), ("$[-2:]", ROW[-2:]),
        ("$[:-2]", ROW[:-1]), ("$[0]", 10), ("$[-1]", 15), ("$[1,3,5]", [11, 13, 15]), ("$[0,-1]", [10, 15]),
        ("$[0,4:]", [10, 14, 15]), ("$[*]", ROW), ("$.*", ROW),
    ],
)  # fmt: skip
def test_elements_are_chosen_by_number_and_by_slices_that_include_their_end(path: str, selected: Any) -> None:
    assert select(parse(path), ROW) == selected


@pytest.mark.parametrize(
    ("path", "selected"),
    [
        ("$.id", 1), ("$['id']", 1), ("$['id','a']", {"id": 1, "a": {"b": [2, 3]}}), ("$.a.b[1]", 3),
        ("$.a.*", [[2, 3]]), ("$.a['b'][0]", 2), ("$.a.['b']", [2, 3]),
    ],
)  # fmt: skip
def test_members_are_chosen_by_name(path: str, selected: Any) -> None:
    assert select(parse(path), {"id": 1, "a": {"b": [2, 3]}, "c": None}) == selected


@pytest.mark.parametrize(
    "path", ["", "id", "$id", "$[", "$[a]", "$..id", "$[?(@.a)]", "$[1:2:3]", "$ [0]", "$" * 64]
)
def test_what_sagemaker_does_not_support_is_no_path(path: str) -> None:
    with pytest.raises(PathError):
        parse(path)


@pytest.mark.parametrize("path", ["$[6]", "$[-7]", "$[1:6]", "$[6:]", "$.a", "$['a','b']"])
def test_a_place_that_is_not_there_is_an_error(path: str) -> None:
    with pytest.raises(PathError):
        select(parse(path), ROW)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=6), st.sampled_from(
    ["$[1:]", "$[:1]", "$[0,2]", "$[-1,0]", "$[0]", "$[*]", "$[2:]"]))  # fmt: skip
def test_columns_are_chosen_as_a_csv_reader_would(rows: list[list[str]], path: str) -> None:
    block = written(rows)

    records = CsvRecords()
    chosen = records.write(records.select(parse(path), records.read(block)))

    expected = [select(parse(path), row) for row in rows]
    cells = [row if isinstance(row, list) else [row] for row in expected]
    assert list(csv.reader(io.StringIO(chosen.decode()))) == cells


def written(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def test_a_short_row_is_named_by_its_number() -> None:
    for path in ("$[2:]", "$[0,2]"):
        with pytest.raises(RecordError, match="index 2 is out of range: there are 2") as error:
            CsvRecords().select(parse(path), [b"1,2,3", b"1,2", b"1"])
        assert error.value.record == 1


def test_a_row_with_quotes_that_do_not_end_is_an_error() -> None:
    with pytest.raises(RecordError) as error:
        CsvRecords().select(parse("$[1:]"), [b"1,2", b'"a,b'])
    assert error.value.record == 1


def processing(kind: str, *, lines: bool = True, **more: Any) -> Processing:
    records = records_of(kind, lines=lines)
    return Processing(records, records, **more)


def test_the_guides_csv_example_gives_what_the_guide_says() -> None:
    whole = processing("text/csv", join=True)
    without_id = processing(
        "text/csv", join=True, input_filter=parse("$[1:]"), output_filter=parse("$[0,-1]")
    )

    assert whole.to_output(b"1,2,3\n", b"1\n") == b"1,2,3,1\n"
    assert without_id.to_model(b"a,1,2\r\nb,3,4") == b"1,2\n3,4\n"
    assert without_id.to_output(b"a,1,2\r\nb,3,4", b"0.5,yes\n0.7,no\n") == b"a,yes\nb,no\n"


def test_the_guides_json_example_gives_what_the_guide_says() -> None:
    joined = processing("application/jsonlines", join=True)

    assert json.loads(joined.to_output(b'{"key":1}\n', b'{"label":1}')) == {
        "key": 1,
        "SageMakerOutput": {"label": 1},
    }
    assert json.loads(joined.to_output(b"[1,2]\n", b"3")) == {"SageMakerInput": [1, 2], "SageMakerOutput": 3}


def test_a_json_document_is_one_record() -> None:
    whole = processing("application/json", lines=False, join=True, output_filter=parse("$.SageMakerOutput"))

    assert whole.to_output(b'{\n "a": 1\n}', b"[1,\n 2]") == b"[1,2]"


def test_an_output_filter_alone_chooses_from_the_answer() -> None:
    only = processing("text/csv", output_filter=parse("$[0]"))

    assert only.to_model(b"1,2\n") == b"1,2\n"
    assert only.to_output(b"1,2\n", b"yes,0.9\nno,0.8\n") == b"yes\nno\n"


@pytest.mark.parametrize("answer", [b"", b"1\n", b"1\n2\n3\n"])
def test_another_number_of_answers_than_records_is_not_joined(answer: bytes) -> None:
    with pytest.raises(RecordError, match="mismatched line count"):
        processing("text/csv", join=True).to_output(b"1\n2\n", answer)


def test_a_line_that_is_no_json_is_named_by_its_number() -> None:
    with pytest.raises(RecordError, match="Failed to parse line") as error:
        JsonRecords(lines=True).read(b"1\n\n{\n")
    assert error.value.record == 1


def test_only_csv_and_json_can_be_joined() -> None:
    assert records_of("text/csv; charset=utf-8", lines=True) is not None
    assert records_of("text/libsvm", lines=True) is None
