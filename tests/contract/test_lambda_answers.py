"""The function and our server give the same answers to the same requests: status, media type and body."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from tests.contract.conftest import LIMITS
from tests.server.events import content, event, function_of
from tests.server.models import model, with_hooks
from tests.server.more_models import boosted, codes
from tests.server.process import Server


def npy(rows) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(rows))
    return stream.getvalue()


ROWS = [[5.1, 3.5, 1.4, 0.2], [6.5, 3.0, 5.2, 2.0], [5.9, 3.0, 4.2, 1.5]]
MIXED = [[5.1, "red", 1.4, 0.2], [None, None, 5.2, 2.0], [1, 5.9, 'sky, "light"|er', 4.2, 1.5]]
NAMED = [dict(zip(("sepal_length", "sepal_width", "petal_length", "petal_width"), ROWS[0], strict=True))]
ONE = [[13.2], [12.1]]
WITH_ID = [[7, *ROWS[0]]]
TEXTS = ("", " ", "{", "x", "é", "[[1e999,2,3,4]]", "a,b,c,d")
VALUES = (1, "x", None, {}, [], [[]], [1], [[1]], {"rows": []}, [{}], [["1"] * 4])
JSON, CSV, LINES, NPY = "application/json", "text/csv", "application/jsonlines", "application/x-npy"
REQUESTS = [
    *((json.dumps(rows), JSON) for rows in (ROWS, MIXED[:2], MIXED[2:], NAMED, ONE, ROWS * 400, WITH_ID)),
    *((json.dumps({"instances": rows}), JSON) for rows in (ROWS, MIXED[:2], NAMED, ONE, [])),
    ("5.1,3.5,1.4,0.2|6.5,3.0,5.2,2.0\n", CSV),
    ('5.1,red,1.4,0.2\n,,5.2,2.0\n7,5.9,"sky, ""light""|er",4.2,1.5', CSV),
    ("13.2\n12.1", CSV),
    ("5.1,3.5,1.4,0.2\n" * 1001, CSV),
    ("[5.1,3.5,1.4,0.2]\n[6.5,3.0,5.2,2.0]", LINES),
    ("[5.1,3.5,1.4,0.2]\n{", LINES),
    (npy(ROWS), NPY),
    (npy(ONE), NPY),
    (npy(ROWS)[:-1], NPY),
    *((body, kind) for body in TEXTS for kind in (JSON, CSV, LINES, NPY)),
    *((json.dumps(body), JSON) for body in VALUES),
    (b"\xff\xfe", CSV),
    (b"\xff\xfe", JSON),
    ("1,2,3,4", "image/png"),
]  # fmt: skip
ACCEPTS = (None, CSV, NPY, LINES, "image/png", "text/csv;q=0.5, */*;q=0.1")
LINES_OF_DATA = [
    "5.1,3.5,1.4,0.2",
    "13.2",
    "5.1,red,1.4,0.2",
    ",,5.2,2.0",
    "",
    "a",
    "1|2",
    "1,2,3,4,5,6",
    'x"y',
]


def same(function, server, path: str, body, content_type: str | None, accept: str | None = None) -> None:
    headers = {"content_type": content_type, "accept": accept}
    headers = {name: value for name, value in headers.items() if value is not None}
    answer = function(event(path, body, **headers))
    raw = body.encode() if isinstance(body, str) else body
    reply = server.ask("POST", path, raw, **headers)
    shown = f"{path} {body!r:.100} {headers}"
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (
        reply.status,
        reply.headers["content-type"],
    ), shown
    assert content(answer) == reply.body, shown


def all_the_same(function, server) -> None:
    for body, content_type in REQUESTS:
        for path in ("/predict", "/probabilities"):
            same(function, server, path, body, content_type)
    for accept in ACCEPTS:
        for body, content_type in REQUESTS[:2]:
            same(function, server, "/predict", body, content_type, accept)
            same(function, server, "/probabilities", body, content_type, accept)
    for body in [*(json.dumps({"data": line}) for line in LINES_OF_DATA), "", "{", "[]", '{"data": 1}']:
        same(function, server, "/classify", body, JSON)
        same(function, server, "/classify", body, CSV)


@pytest.mark.parametrize("kind", ["logistic", "regression", "forest", "mixed"])
def test_both_doors_say_the_same(request, kind: str) -> None:
    server = request.getfixturevalue(kind)
    all_the_same(function_of(model(kind), SLIPWAY_MAX_ROWS=LIMITS["SLIPWAY_MAX_ROWS"]), server)


@pytest.mark.parametrize("folder", [codes, boosted])
def test_both_doors_say_the_same_of_codes_and_of_xgboost(folder) -> None:
    with Server(folder(), **LIMITS) as server:
        all_the_same(function_of(folder(), SLIPWAY_MAX_ROWS=LIMITS["SLIPWAY_MAX_ROWS"]), server)


def test_both_doors_ask_the_same_hooks(tmp_path) -> None:
    code = (
        "from serving.script_mode import output_fn as given\n"
        "def output_fn(prediction, accept):\n"
        "    answer = given(prediction, accept)\n"
        "    return answer if answer.status != 200 else answer.response.upper()\n"
    )
    folder = with_hooks(tmp_path / "hooks", code)
    with Server(folder, **LIMITS) as server:
        function = function_of(folder, SLIPWAY_MAX_ROWS=LIMITS["SLIPWAY_MAX_ROWS"])
        for body, content_type in REQUESTS:
            same(function, server, "/predict", body, content_type)
        for line in LINES_OF_DATA:
            same(function, server, "/classify", json.dumps({"data": line}), JSON)
