"""How the client writes rows and reads answers, for our runtime and for AWS's built-in XGBoost image."""

from __future__ import annotations

import json

import pytest

from client.errors import RequestRefused
from client.wire import SlipwayWire, XgboostWire, wire_of
from stacks.outputs import written_wire_format

FEATURES = ["age", "bmi"]


def test_our_runtime_is_asked_with_json_whatever_the_rows_are():
    wire = wire_of(None)

    assert isinstance(wire, SlipwayWire)
    assert json.loads(wire.encode([(1.5, 2.0)])) == [[1.5, 2.0]]
    assert json.loads(wire.encode([{"age": 1.5, "bmi": None}])) == [{"age": 1.5, "bmi": None}]
    assert wire.decode(b'["a", "b"]') == ["a", "b"]


def test_xgboosts_image_is_asked_with_csv_in_the_order_of_the_signature():
    wire = XgboostWire(FEATURES, None)

    assert wire.encode([[1.5, 2], [None, float("nan")]]) == b"1.5,2\n,\n"
    assert wire.encode([{"bmi": 2, "age": 1.5}]) == b"1.5,2\n"
    assert wire.decode(b"151.25\n90.0\n") == [151.25, 90.0]


def test_a_category_is_sent_to_xgboosts_image_as_its_code_and_no_other_text_is():
    described = {
        "features": [{"name": "age"}, {"name": "city", "categories": ["Bonn", "Köln"]}],
        "prediction": {"name": "y"},
    }
    wire = wire_of(written_wire_format(described))

    assert wire.encode([[1.5, "Köln"], {"city": "Bonn", "age": None}, [1, None]]) == b"1.5,1\n,0\n1,\n"
    for row, message in (
        ([1, "Ulm"], "city: 'Ulm' is not one of its categories"),
        (["x", "Bonn"], "age: 'x'"),
    ):
        with pytest.raises(RequestRefused, match=message):
            wire.encode([row])


def test_a_row_by_names_may_leave_out_what_may_be_missing_and_nothing_else():
    described = {
        "features": [{"name": "age", "missing": 3}, {"name": "bmi"}],
        "prediction": {"name": "y"},
    }
    wire = wire_of(written_wire_format(described))

    assert wire.encode([{"bmi": 2}, {"age": None, "bmi": 2}]) == b",2\n,2\n"
    with pytest.raises(RequestRefused, match="no bmi") as refused:
        wire.encode([{"age": 1}])
    assert refused.value.hint == "The features are age, bmi."


def test_scores_become_the_classes_that_they_stand_for():
    assert XgboostWire(None, ["no", "yes"]).decode(b"0.2\n0.8\n") == ["no", "yes"]
    assert XgboostWire(None, ["a", "b", "c"]).decode(b"2.0\n0.0\n") == ["c", "a"]
    assert XgboostWire(None, ["a", "b", "c"]).decode(b"0.1,0.7,0.2\n0.6,0.3,0.1\n") == ["b", "a"]


@pytest.mark.parametrize(("row", "column"), [({"age": 1}, "bmi"), ({"age": 1, "bmi": 2, "bmj": 3}, "bmj")])
def test_a_row_by_names_that_do_not_fit_is_refused_by_name(row, column):
    with pytest.raises(RequestRefused) as refused:
        XgboostWire(FEATURES, None).encode([{"age": 1, "bmi": 2}, row])

    assert (refused.value.row, refused.value.column) == (2, column)


def test_rows_by_name_need_the_names():
    with pytest.raises(RequestRefused, match="as lists"):
        XgboostWire(None, None).encode([{"age": 1}])


@pytest.mark.parametrize("width", [2, 2000])
def test_what_the_stack_writes_the_client_reads_within_the_size_of_a_parameter(width):
    names = [f"feature_{number}" for number in range(width)]
    signature = {
        "features": [{"name": name} for name in names],
        "prediction": {"name": "y", "classes": ["no", "yes"]},
    }
    text = written_wire_format(signature)
    wire = wire_of(text)

    assert len(text.encode()) <= 4096
    assert isinstance(wire, XgboostWire)
    assert wire.decode(b"0.9\n") == ["yes"]
    wide = {**signature, "features": [{"name": "c", "categories": ["x" * 3000, "y" * 3000]}]}
    assert len(written_wire_format(wide)) <= 4096
    if width == 2:
        assert wire.encode([dict.fromkeys(names, 1)]) == b"1,1\n"
