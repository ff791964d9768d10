"""The function's log: one line a request, and nothing of what the request says."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from tests.server.events import REQUEST_ID, VERSION, damaged, event, function_of
from tests.server.models import model, with_hooks
from tests.server.more_models import codes

CANARY = "canary-7731"
MEMBERS = ["level", "request_id", "route", "status", "rows", "milliseconds", "model_version"]


def lines(capfd) -> list[dict[str, object]]:
    printed = capfd.readouterr()
    assert printed.err == ""
    return [json.loads(line) for line in printed.out.splitlines()]


@pytest.mark.parametrize(
    ("found", "route", "status", "rows"),
    [
        (event(body="[[5.1,3.5,1.4,0.2],[1,2,3,4]]"), "/predict", 200, 2),
        (event("/classify", '{"data": "1,2,3,4"}'), "/classify", 200, 1),
        (event("/openapi.json", method="GET"), "/openapi.json", 200, 0),
        (event(body="wrong"), "/predict", 400, 0),
        (event("/elsewhere", body="[[1,2,3,4]]"), "", 404, 0),
    ],
)
def test_a_request_is_one_line_with_what_it_took(capfd, found, route: str, status: int, rows: int) -> None:
    function_of(model("logistic"))(found)
    (line,) = lines(capfd)
    assert list(line) == MEMBERS
    assert (line["route"], line["status"], line["rows"]) == (route, status, rows)
    assert (line["level"], line["request_id"], line["model_version"]) == ("INFO", REQUEST_ID, VERSION)
    assert 0 < line["milliseconds"] < 10_000


def test_an_event_without_a_request_id_has_that_of_lambda(capfd) -> None:
    function_of(model("logistic"))(
        {"httpMethod": "POST", "path": "/predict"}, SimpleNamespace(aws_request_id="abc-1")
    )
    assert lines(capfd)[0]["request_id"] == "abc-1"


@pytest.mark.parametrize("request_id", ['"}\n{"x": 1', "é", "a b", "\ud800"])
def test_a_request_id_that_is_none_breaks_no_line(capfd, request_id: str) -> None:
    function_of(model("logistic"))({**event(body="[[1,2,3,4]]"), "requestContext": {"requestId": request_id}})
    assert lines(capfd)[0]["request_id"] == ""


@pytest.mark.parametrize(
    "body",
    [
        f'[["{CANARY}", 2, 3, 4]]',
        f'{{"{CANARY}": 1}}',
        f'[{{"{CANARY}": 1}}]',
        f"{CANARY},2,3,4",
        f'{{"data": "{CANARY}"}}',
        f'{{"data": "7731.25,{CANARY}"}}',
        "[[7731.25, 2, 3, 4]]",
        CANARY.encode(),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/csv", f"image/{CANARY}"])
def test_nothing_of_a_request_is_printed(capfd, body: str | bytes, content_type: str) -> None:
    functions = [function_of(folder) for folder in (model("logistic"), model("mixed"), codes())]
    for function in functions:
        for route in ("/predict", "/classify", "/probabilities", "/", f"/{CANARY}"):
            function(event(route, body, content_type=content_type, accept=CANARY, origin=CANARY))
            function(event(route, body, content_type=content_type))
    printed = "".join(capfd.readouterr())
    assert len(printed.splitlines()) == 2 * 5 * len(functions)
    assert CANARY not in printed
    assert "7731" not in printed


@pytest.mark.parametrize(
    "failing",
    ["raise ValueError(body)", "raise SystemExit(body)", "raise KeyError(body) from ValueError(body)"],
)
def test_a_hook_that_fails_is_told_by_its_place_and_not_by_its_words(capfd, tmp_path, failing: str) -> None:
    code = f"def input_fn(body, content_type):\n    {failing}\n"
    function_of(with_hooks(tmp_path / "failing", code))(event(body=CANARY))
    printed = capfd.readouterr().out
    cause, line = (json.loads(each) for each in printed.splitlines())
    assert CANARY not in printed
    assert (cause["level"], cause["request_id"], line["level"]) == ("ERROR", REQUEST_ID, "ERROR")
    assert "inference.py:2 input_fn" in cause["message"]
    assert cause["message"].endswith(("ValueError", "SystemExit", "KeyError"))


def test_a_model_that_is_not_ready_is_told_once(capfd, tmp_path) -> None:
    function = function_of(damaged(model("logistic"), tmp_path / "damaged"))
    for _ in range(3):
        function(event(body="[[1,2,3,4]]"))
    reason, *requests = lines(capfd)
    assert (reason["code"], reason["model_version"]) == ("model_not_verified", VERSION)
    assert [line["status"] for line in requests] == [503, 503, 503]
