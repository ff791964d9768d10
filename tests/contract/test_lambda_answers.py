"""The function and our server give the same answers to the same requests: status, media type and body."""

from __future__ import annotations

import json

import pytest

from tests.contract.conftest import LIMITS
from tests.contract.door_requests import ACCEPTS, CSV, JSON, LINES_OF_DATA, REQUESTS
from tests.server.events import content, event, function_of
from tests.server.models import model, with_hooks
from tests.server.more_models import boosted, codes
from tests.server.process import Server


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
