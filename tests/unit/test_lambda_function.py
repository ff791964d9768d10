"""The function's answers: statuses, headers and bodies, for events as API Gateway makes them."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest

from tests.server.events import (
    REQUEST_ID,
    VERSION,
    content,
    damaged,
    error,
    event,
    function_of,
)
from tests.server.models import model, with_hooks
from tests.server.more_models import boosted, codes

ROW = [5.1, 3.5, 1.4, 0.2]
HOOKS = """
import json
def input_fn(body, content_type):
    return [float(cell) for cell in body.decode().split(",")]
def predict_fn(data, model):
    import numpy as np
    return model.predict(np.array([data], dtype=np.float32))
def output_fn(prediction, accept):
    return json.dumps([text.upper() for text in prediction]), "application/json"
"""


def npy(rows) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(rows))
    return stream.getvalue()


def named(folder) -> dict[str, object]:
    """A golden row of a model as an object."""
    manifest = folder.manifest
    names = [feature["name"] for feature in manifest["signature"]["features"]]
    return dict(zip(names, manifest["golden"]["rows"][0], strict=True))


@pytest.mark.parametrize("kind", ["logistic", "regression", "mixed", "forest", "codes", "boosted"])
def test_the_golden_rows_of_every_model_come_out_as_in_training(tmp_path, kind: str) -> None:
    folder = {"codes": codes, "boosted": boosted}.get(kind, lambda: model(kind))()
    engine = {**folder.manifest["engine"], "agreement": {"tolerance": 1e-5}}
    folder = folder.copy(tmp_path / kind).signed(engine=engine)
    function = function_of(folder)
    golden = folder.manifest["golden"]
    tried = function({"slipway": "try"})
    assert (tried["version"], tried["tolerance"]) == (VERSION, 1e-5)
    assert tried["expected"] == golden["predictions"]
    near = pytest.approx(golden["predictions"], abs=1e-5) if kind == "regression" else golden["predictions"]
    assert tried["answers"] == near
    answer = function(event(body=json.dumps({"instances": [named(folder)]})))
    assert json.loads(answer["body"])["predictions"] == tried["answers"][:1]


def test_probabilities_are_named_by_their_classes() -> None:
    answer = function_of(codes())(event("/probabilities", "[[12.2]]"))
    found = json.loads(answer["body"])
    assert (answer["statusCode"], found["predictions"]) == (200, [1])
    assert list(found["probabilities"][0]) == ["0", "1", "2"]
    assert sum(found["probabilities"][0].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("5.1,3.5,1.4,0.2\n5.1,3.5,1.4,0.2", "text/csv"),
        ("[5.1,3.5,1.4,0.2]\n[5.1,3.5,1.4,0.2]\n", "application/jsonlines"),
        (b"5.1,3.5,1.4,0.2|5.1,3.5,1.4,0.2", "TEXT/CSV; charset=utf-8"),
        (npy([ROW, ROW]), "application/x-npy"),
    ],
)
def test_rows_come_in_every_form(body: str | bytes, content_type: str) -> None:
    answer = function_of(model("logistic"))(event(body=body, content_type=content_type))
    assert (answer["statusCode"], answer["body"]) == (200, '["setosa", "setosa"]')


def test_a_matrix_goes_back_in_base64_and_only_where_the_gateway_makes_it_binary_again() -> None:
    function = function_of(model("regression"))
    answer = function(event(body="[[1, 2, 3, 4]]", accept="application/x-npy, */*;q=0.1"))
    assert answer["isBase64Encoded"] is True
    assert np.load(io.BytesIO(content(answer))).shape == (1,)
    second = function(event(body="[[1, 2, 3, 4]]", accept="image/png, application/x-npy"))
    assert (second["statusCode"], error(second)["code"]) == (406, "not_acceptable")


@pytest.mark.parametrize("spelling", ["Content-Type", "content-type", "CONTENT-TYPE", "cOnTeNt-TyPe"])
def test_a_header_is_found_however_it_is_spelled(spelling: str) -> None:
    found = {**event(body="5.1,3.5,1.4,0.2"), "headers": {spelling: "text/csv", "ACCEPT": "text/csv"}}
    answer = function_of(model("logistic"))(found)
    assert (answer["body"], answer["headers"]["content-type"]) == ("setosa\n", "text/csv")


def test_headers_may_be_null_or_come_with_several_values() -> None:
    function = function_of(model("logistic"))
    bare = {**event(body="[[5.1,3.5,1.4,0.2]]"), "headers": None, "multiValueHeaders": None}
    assert function(bare)["statusCode"] == 200
    several = {**bare, "multiValueHeaders": {"Accept": ["text/plain", "text/csv"], "X-Empty": []}}
    assert function(several)["body"] == "setosa\n"


def test_the_smallest_event_is_answered() -> None:
    found = {"httpMethod": "POST", "resource": "/{proxy+}", "path": "/predict", "body": "[[5.1,3.5,1.4,0.2]]"}
    assert function_of(model("logistic"))(found)["statusCode"] == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"body": None}, 400, "empty_body"),
        ({"body": ""}, 400, "empty_body"),
        ({"body": "?"}, 400, "invalid_json"),
        ({"body": "{"}, 400, "invalid_json"),
        ({"body": "é"}, 400, "invalid_json"),
        ({"body": "\ud800"}, 400, "not_utf8"),
        ({"body": "[" * 20}, 400, "invalid_json"),
        ({"body": "[" * 200_000}, 413, "too_many_rows"),
        ({"body": "%%%", "isBase64Encoded": True}, 400, "not_base64"),
        ({"body": "\xe9\xe9", "isBase64Encoded": True}, 400, "not_base64"),
        ({"body": base64.b64encode(b"\xff\x00").decode(), "isBase64Encoded": True}, 400, "not_utf8"),
        ({"body": {"instances": []}}, 400, "invalid_event"),
        ({"body": "[[1,2,3]]"}, 400, "wrong_column_count"),
        ({"body": '[["x",2,3,4]]'}, 400, "not_a_number"),
        ({"body": "[[NaN,2,3,4]]"}, 400, "not_finite"),
        ({"body": json.dumps([ROW] * 11)}, 413, "too_many_rows"),
        ({"headers": {"content-type": "image/png"}, "body": "x"}, 415, "unsupported_media_type"),
        ({"headers": {"accept": "image/png"}, "body": "[[1,2,3,4]]"}, 406, "not_acceptable"),
        ({"resource": "/other", "path": "/other"}, 404, "not_found"),
        ({"resource": "/invocations"}, 404, "not_found"),
        ({"httpMethod": "GET"}, 405, "method_not_allowed"),
        ({"httpMethod": "DELETE", "resource": "/"}, 405, "method_not_allowed"),
        ({"resource": "/openapi.json"}, 405, "method_not_allowed"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_in_the_one_shape(changes, status: int, code: str) -> None:
    function = function_of(model("logistic"), SLIPWAY_MAX_ROWS="10")
    answer = function({**event(), **changes})
    assert (answer["statusCode"], error(answer)["code"]) == (status, code)
    assert {"code", "message"} <= set(error(answer)) <= {"code", "message", "row", "column", "hint"}
    if status == 405:
        assert answer["headers"]["allow"] == ("POST" if changes.get("httpMethod") == "GET" else "GET")


def test_an_unknown_category_is_named_with_its_row_and_column() -> None:
    answer = function_of(model("mixed"))(event(body='[[1, "blu", 3, 4]]'))
    assert answer["statusCode"] == 422
    assert error(answer)["row"] == 1
    assert "Did you mean 'blue'" in error(answer)["hint"]


def test_an_answer_that_lambda_would_drop_is_a_clear_413() -> None:
    function = function_of(model("logistic"), SLIPWAY_MAX_ROWS="1000000")
    rows = "5.1,3.5,1.4,0.2\n" * 780_000
    fits = function(event(body=rows, content_type="text/csv", accept="text/csv"))
    assert fits["statusCode"] == 200
    too_large = function(event(body=rows + rows[:160_000], content_type="text/csv", accept="text/csv"))
    assert (too_large["statusCode"], error(too_large)["code"]) == (413, "answer_too_large")


def test_the_description_and_the_page_are_there_to_read() -> None:
    function = function_of(codes(), SLIPWAY_API_AUTH="iam", SLIPWAY_MAX_ROWS="7")
    description = json.loads(function(event("/openapi.json", method="GET"))["body"])
    assert set(description["paths"]) == {"/", "/openapi.json", "/predict", "/classify", "/probabilities"}
    assert "iam" in description["components"]["securitySchemes"]
    page = function(event("/", method="GET"))
    assert page["statusCode"] == 200
    assert page["headers"]["content-type"].startswith("text/html")
    assert "content-security-policy" in page["headers"]
    assert "alcohol" in page["body"]


def test_answers_may_be_read_by_pages_of_named_origins_alone() -> None:
    function = function_of(model("logistic"), SLIPWAY_CORS_ORIGINS="https://a.example, https://b.example")
    for body in ("[[5.1,3.5,1.4,0.2]]", "wrong"):
        headers = function(event(body=body, origin="https://b.example"))["headers"]
        assert headers["access-control-allow-origin"] == "https://b.example"
        assert headers["vary"] == "origin"
        assert (
            "access-control-allow-origin"
            not in function(event(body=body, origin="https://c.example"))["headers"]
        )
        assert "access-control-allow-origin" not in function(event(body=body))["headers"]
    closed = function_of(model("logistic"))(event(body="[[5.1,3.5,1.4,0.2]]", origin="https://a.example"))
    assert not {"vary", "access-control-allow-origin"} & set(closed["headers"])


def test_a_damaged_model_answers_503_and_fails_its_try(tmp_path) -> None:
    function = function_of(damaged(model("logistic"), tmp_path / "damaged"))
    for found in (event(body="[[1,2,3,4]]"), event("/", method="GET"), event("/openapi.json", method="GET")):
        answer = function(found)
        assert (answer["statusCode"], error(answer)["code"]) == (503, "model_not_verified")
    with pytest.raises(Exception, match=r"model_not_verified: model\.onnx has sha256"):
        function({"slipway": "try"})


def test_a_model_that_answers_otherwise_than_in_training_fails_its_try(tmp_path) -> None:
    folder = model("logistic").copy(tmp_path / "first")
    golden = folder.manifest["golden"]
    wrong = folder.signed(golden={**golden, "predictions": ["virginica", *golden["predictions"][1:]]})
    answer = function_of(wrong)(event(body="[[1,2,3,4]]"))
    assert (answer["statusCode"], error(answer)["code"]) == (503, "model_wrong_answer")
    later = folder.signed(golden={**golden, "predictions": [*golden["predictions"][:-1], "setosa"]})
    function = function_of(later)  # a later row is only replayed by a try
    assert function(event(body="[[1,2,3,4]]"))["statusCode"] == 200
    with pytest.raises(Exception, match="Golden row 19 gives 'virginica' here, and training gave 'setosa'"):
        function({"slipway": "try"})


@pytest.mark.parametrize(
    "found", [{}, {"slipway": "other"}, {"slipway": "try", "more": 1}, {"version": "2.0"}]
)
def test_an_event_of_neither_kind_is_refused(found) -> None:
    with pytest.raises(ValueError, match="none of API Gateway's"):
        function_of(model("logistic"))(found)


def test_a_packaged_model_has_no_candidate() -> None:
    with pytest.raises(ValueError, match="no candidate"):
        function_of(model("logistic"))({"slipway": "try", "candidate": {}})


def test_hooks_of_a_persons_own_answer_predict_and_classify(tmp_path) -> None:
    function = function_of(with_hooks(tmp_path / "hooks", HOOKS))
    assert function(event(body="5.1,3.5,1.4,0.2", content_type="text/csv"))["body"] == '["SETOSA"]'
    assert function(event("/classify", '{"data": "5.1,3.5,1.4,0.2"}'))["body"] == '{"prediction": "SETOSA"}'
    assert function(event("/probabilities", "[[5.1,3.5,1.4,0.2]]"))["statusCode"] == 404


@pytest.mark.parametrize("failing", ["raise ValueError(repr(body))", "raise SystemExit(3)", "return 1 / 0"])
def test_hooks_that_fail_answer_500_with_the_request_id(tmp_path, failing: str) -> None:
    code = f"def input_fn(body, content_type):\n    {failing}\n"
    answer = function_of(with_hooks(tmp_path / "failing", code))(event(body="[[1,2,3,4]]"))
    assert (answer["statusCode"], error(answer)["request_id"]) == (500, REQUEST_ID)
    assert error(answer)["code"] == "internal"


def test_hooks_may_answer_bytes_that_are_no_text(tmp_path) -> None:
    code = "def output_fn(prediction, accept):\n    return b'\\xff\\x00', 'application/octet-stream'\n"
    answer = function_of(with_hooks(tmp_path / "bytes", code))(event(body="[[1,2,3,4]]"))
    assert (answer["isBase64Encoded"], content(answer)) == (True, b"\xff\x00")


@pytest.mark.parametrize("rows", ["0", "-1", "many", "1.5"])
def test_a_limit_that_is_no_number_fails_the_start(rows: str) -> None:
    with pytest.raises(ValueError, match="SLIPWAY_MAX_ROWS is"):
        function_of(model("logistic"), SLIPWAY_MAX_ROWS=rows)
