"""POST /classify of the function: one line of features in JSON, and its class as text."""

from __future__ import annotations

import json

import pytest

from tests.server.events import VERSION, error, event, function_of
from tests.server.models import model
from tests.server.more_models import codes


def test_classify_answers_exactly_as_promised() -> None:
    answer = function_of(codes())(event("/classify", '{"data": ".10"}', content_type="application/json"))
    assert (answer["statusCode"], answer["body"]) == (200, '{"prediction": "1"}')
    assert answer["headers"] == {"content-type": "application/json", "x-slipway-model-version": VERSION}
    assert answer["isBase64Encoded"] is False


def test_classify_takes_json_that_curl_calls_a_form() -> None:
    asked = event("/classify", '{"data": ".10"}', content_type="application/x-www-form-urlencoded")
    assert function_of(codes())(asked)["body"] == '{"prediction": "1"}'


def test_classify_takes_one_line_of_several_features_with_texts_and_an_id() -> None:
    answer = function_of(model("mixed"))(
        event("/classify", json.dumps({"data": ' 7,,"sky, ""light""|er",1.4,0.2\n'}))
    )
    assert (answer["statusCode"], set(json.loads(answer["body"]))) == (200, {"prediction"})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (None, 400, "empty_body"),
        ("", 400, "empty_body"),
        (" \n", 400, "empty_body"),
        ("{", 400, "invalid_json"),
        (b"\xff\xfe", 400, "not_utf8"),
        ("[1]", 400, "no_data"),
        ('{"data": 1}', 400, "no_data"),
        ('{"data": null}', 400, "no_data"),
        ('{"data": ["13"]}', 400, "no_data"),
        ('{"data": "13", "more": 1}', 400, "no_data"),
        ('{"date": "13"}', 400, "no_data"),
        ("{}", 400, "no_data"),
        ('{"data": "13\\n14"}', 400, "not_one_row"),
        ('{"data": "13|14"}', 400, "not_one_row"),
        ('{"data": ""}', 400, "not_a_number"),
        ('{"data": "alcohol"}', 400, "not_a_number"),
        ('{"data": "nan"}', 400, "not_finite"),
        ('{"data": "1e999"}', 400, "not_finite"),
        ('{"data": "1e39"}', 400, "too_large"),
        ('{"data": "1,2"}', 400, "wrong_column_count"),
        ('{"data": "\\ud800"}', 400, "not_utf8"),
        ('{"data": "é"}', 400, "not_a_number"),
        ("[" * 100_000, 400, "invalid_json"),
    ],
)
def test_classify_refuses_what_is_no_line_of_features(body: object, status: int, code: str) -> None:
    answer = function_of(codes())(event("/classify", body))
    assert (answer["statusCode"], error(answer)["code"]) == (status, code)


def test_classify_answers_and_takes_json_alone() -> None:
    function = function_of(codes())
    assert function(event("/classify", '{"data": "13"}', content_type="text/csv"))["statusCode"] == 415
    assert function(event("/classify", '{"data": "13"}', accept="text/csv"))["statusCode"] == 406
    assert function(event("/classify", '{"data": "13"}', accept="text/csv, */*;q=0.1"))["statusCode"] == 200


def test_a_model_that_predicts_numbers_has_no_classes_and_no_probabilities() -> None:
    function = function_of(model("regression"))
    for route, code in (("/classify", "no_classes"), ("/probabilities", "no_probabilities")):
        answer = function(event(route, "[[1, 2, 3, 4]]"))
        assert (answer["statusCode"], error(answer)["code"]) == (404, code)
