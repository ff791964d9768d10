"""Whatever API Gateway hands on: the function answers in its form, and never with a fault of its own."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.server.events import VERSION, event, function_of
from tests.server.models import model
from tests.server.more_models import codes

FOLDERS = [model("logistic"), model("mixed"), model("regression"), codes()]
FUNCTIONS = [
    function_of(folder, SLIPWAY_CORS_ORIGINS="https://a.example", SLIPWAY_MAX_ROWS="20") for folder in FOLDERS
]
SHAPE = {"code", "message", "row", "column", "hint", "request_id"}

numbers = st.integers(-(2**80), 2**80) | st.floats()
cells = numbers | st.none() | st.booleans() | st.text(max_size=4) | st.sampled_from(["red", "", "1"])
rows = st.lists(st.lists(cells, max_size=6), max_size=22) | st.lists(
    st.lists(numbers, min_size=4, max_size=5)
)
values = st.recursive(
    cells, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner)
)
lines = st.lists(st.lists(cells.map(str), max_size=5).map(",".join), max_size=4).map("\n".join)
texts = st.one_of(
    rows.map(json.dumps),
    rows.map(lambda found: json.dumps({"instances": found})),
    st.fixed_dictionaries({"data": lines | values}).map(json.dumps),
    values.map(json.dumps),
    lines,
    st.text(st.characters()),  # half characters among them
    st.text('[]{}",:|\n\r\\19eE.-\ufeff\x00', max_size=40),
)
bodies = st.one_of(
    st.tuples(st.none() | texts, st.booleans()),
    st.tuples(st.binary(max_size=60).map(lambda found: base64.b64encode(found).decode()), st.just(True)),
)
media = st.sampled_from(
    ["application/json", "text/csv", "application/jsonlines", "application/x-npy", "*/*", "application/*",
     "text/csv;q=0", "application/x-npy, */*;q=0.1", "image/png", "", ";", ","]
)  # fmt: skip
header_values = media | st.text(max_size=12) | st.sampled_from(["https://a.example"])
headers = st.none() | st.dictionaries(
    st.sampled_from(["Content-Type", "content-type", "ACCEPT", "accept", "Origin", "x-other"])
    | st.text(max_size=5),
    header_values,
)
paths = (
    st.sampled_from(["/predict", "/classify", "/probabilities", "/", "/openapi.json", "/{proxy+}"])
    | st.text()
)
methods = st.sampled_from(["POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"])
contexts = st.none() | st.fixed_dictionaries({"requestId": st.none() | st.text(max_size=40)})


@st.composite
def events(draw):
    body, encoded = draw(bodies)
    found = event(draw(paths), body, draw(methods | st.just("POST")))
    found["headers"] = draw(headers)
    several = draw(headers)
    found["multiValueHeaders"] = several and {name: [value] * len(name) for name, value in several.items()}
    found["path"] = draw(paths)
    found["requestContext"] = draw(contexts)
    found["isBase64Encoded"] = encoded
    for name in draw(
        st.sets(st.sampled_from(["body", "headers", "multiValueHeaders", "requestContext", "path"]))
    ):
        found.pop(name)
    return found


@pytest.mark.parametrize("function", FUNCTIONS, ids=["logistic", "mixed", "regression", "codes"])
@given(found=events())
@example(found=event("/classify", '{"data": "\\ud800"}'))
@example(found={"httpMethod": "POST", "resource": None, "path": None})
def test_every_event_gets_an_answer_and_none_is_a_fault(function, found) -> None:
    before = json.dumps(found)
    answer = function(found)
    assert json.dumps(found) == before
    assert set(answer) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert answer["statusCode"] in {200, 400, 404, 405, 406, 413, 415, 422}
    assert answer["headers"]["x-slipway-model-version"] == VERSION
    assert all(
        type(text) is str for text in (*answer["headers"], *answer["headers"].values(), answer["body"])
    )
    json.dumps(answer, ensure_ascii=False).encode()
    if answer["statusCode"] != 200:
        error = json.loads(answer["body"])["error"]
        assert {"code", "message"} <= set(error) <= SHAPE
        assert answer["headers"]["content-type"] == "application/json"
