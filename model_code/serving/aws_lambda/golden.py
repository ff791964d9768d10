"""A try: the golden rows through the whole path, before anybody's request comes to this model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..doors.served import NotReady, tolerance_of
from ..errors import ModelNotReady
from .call import Event, call_of

if TYPE_CHECKING:
    from .function import Function
    from .source import Current, ModelSource


class WrongAnswer(Exception):
    """A golden row's answer is not the one that training gave."""


def try_model(function: Function, source: ModelSource, event: Event) -> dict[str, Any]:
    """Answer `{"slipway": "try"}`, with `"candidate": {pointer}` for a model in S3 that is not in force.

    Returns:
        `version`, `answers` and what was `expected` of every golden row, and the `tolerance` between numbers.

    Raises:
        ModelNotReady: it cannot be loaded, or a request of golden rows is refused.
        WrongAnswer: one differs.
        ValueError: the event is no such thing.
    """
    if event.get("slipway") != "try" or event.keys() - {"slipway", "candidate"}:
        raise ValueError('The event is none of API Gateway\'s, and not {"slipway": "try"}.')
    if "candidate" in event:
        with source.candidate(event["candidate"]) as current:
            return _tried(function, current)
    return _tried(function, source.current())


def _tried(function: Function, current: Current) -> dict[str, Any]:
    served = current.served
    if isinstance(served, NotReady):
        raise ModelNotReady(f"{served.code}: {served.message}")
    golden = served.manifest["golden"]
    answers = [_answer(function, current, row) for row in golden["rows"]]
    if served.hooks is not None:  # their answers may have any form
        answers = served.model.predict(served.model.signature.matrix(golden["rows"]))
    for number, (answer, expected) in enumerate(zip(answers, golden["predictions"], strict=True), start=1):
        if not served.same(answer, expected):
            raise WrongAnswer(f"Golden row {number} gives {answer!r} here, and training gave {expected!r}.")
    return {
        "version": current.version,
        "answers": answers,
        "expected": golden["predictions"],
        "tolerance": tolerance_of(served.manifest),
    }


def _answer(function: Function, current: Current, row: list[Any]) -> Any:
    """Predict one row as API Gateway would ask for it."""
    event = {
        "httpMethod": "POST",
        "resource": "/predict",
        "headers": {"Content-Type": "application/json", "Accept": "application/json"},
        "body": json.dumps([row]),
    }
    found, _ = function.answer(event, call_of(event), current, "")
    if found["statusCode"] != 200:
        raise ModelNotReady(f"A golden row is answered with {found['statusCode']}: {found['body'][:500]}")
    try:
        value = json.loads(found["body"])
    except ValueError:
        return None
    return value[0] if isinstance(value, list) and len(value) == 1 else None
