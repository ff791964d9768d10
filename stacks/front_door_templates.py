"""What API Gateway makes of SageMaker's answers, in VTL: our errors, and the answer of /classify.

API Gateway picks a row of an integration's responses by the status that SageMaker gave; the row without a
pattern is for all the others, so that must not be the good one.
Sources: "Mapping templates" and "Override your API's request and response parameters and status codes" in the
API Gateway developer guide; InvokeEndpoint in the API reference of SageMaker. Inferred, as no page says so:
that a response's only template is taken whatever the caller accepts.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stacks.constructs.gateway_errors import error_template

_LATER = "Send it again, a little later each time."
_TELL = "It is no fault of the request; whoever runs the API finds it in the logs by request_id."
_THROTTLED = error_template("throttled", "The endpoint has no room for more requests.", _LATER)
_REFUSED = error_template(
    "validation_error", "SageMaker refused the request.", "Look at /openapi.json for what the API takes."
)
_NO_ANSWER = error_template("no_answer", "The model gave no answer.", _TELL)
_NOT_READY = error_template("not_ready", "The model is not ready.", _LATER)
_TOO_LARGE = error_template("request_too_large", "The request is too large.", "Send fewer rows at a time.")
# Where a prebuilt image of AWS answers with words of its own, they are the message.
_MODEL_ERROR: Final = (
    '{"error": {"code": "model_error", "message": $input.json(\'$.OriginalMessage\'), '
    '"request_id": "$context.requestId"}}'
)
# The container's answer is in OriginalMessage. An error of ours goes on as it is: it names row and column.
_OF_MODEL: Final = (
    "#set($status = $input.path('$.OriginalStatusCode'))"
    "#set($told = $input.path('$.OriginalMessage'))"
    '#set($code = "$!{status}")'
    '#set($text = "$!{told}")'
    "#if($code.startsWith('4'))"
    "#set($context.responseOverride.status = $status)"
    "#if($text.startsWith('{\"error\":'))$text"
    f"#else{_MODEL_ERROR}#end"
    "#elseif($code == '503')"
    f"#set($context.responseOverride.status = 503){_NOT_READY}"
    "#else"
    f"#set($context.responseOverride.status = 502){_NO_ANSWER}"
    "#end"
)
# Of SageMaker's 400s some are no mistake of the caller's: one request too many, {"message": null}, and an
# endpoint that is gone. What is wrong with a request has a Message.
_OF_SAGEMAKER: Final = (
    "#set($message = $input.path('$.Message'))"
    "#set($kind = $input.path('$.__type'))"
    '#set($text = "$!{message}")'
    '#set($type = "$!{kind}")'
    "#if($text == '' || $type.contains('Throttling'))"
    "#set($context.responseOverride.status = 429)"
    '#set($context.responseOverride.header.Retry-After = "1")'
    f"{_THROTTLED}"
    "#elseif($text.contains('not found'))"
    f"#set($context.responseOverride.status = 502){_NO_ANSWER}"
    f"#else{_REFUSED}#end"
)


@dataclass(frozen=True)
class Answered:
    """What one kind of answer of SageMaker becomes."""

    pattern: str | None
    """Of SageMaker's status; None is every other one."""
    status: str
    template: str
    """It may set another status."""


ERRORS: Final[tuple[Answered, ...]] = (
    Answered("400", "400", _OF_SAGEMAKER),
    Answered("413", "413", _TOO_LARGE),
    Answered("424", "424", _OF_MODEL),
    Answered("429", "429", _THROTTLED),
    Answered("503", "503", _NOT_READY),
    Answered(None, "502", _NO_ANSWER),
)
GOOD: Final = r"2\d{2}"
LINE_PATTERN: Final = r"^[^\r\n|]+$"
"""One row of CSV: the models' code reads a | as the end of a row, too."""
LINE_TO_CSV: Final = "$input.path('$.data')"


def prediction_of(kind: str) -> str:
    """Return the template that makes {"prediction": "…"} of a JSON list with one prediction.

    Args:
        kind: the type of predictions, string or integer. A number has no place here: Velocity would write it
            as Java does, 1.0E-5, and our own doors as Python does.
    """
    written = "$input.json('$[0]')"
    return f'{{"prediction": {written}}}' if kind == "string" else f'{{"prediction": "{written}"}}'


def constant(content: bytes, headers: Mapping[str, str] | None = None) -> str:
    """Return a template that answers the same bytes always.

    They are in base64: $ and #, of which scripts and styles are full, mean something to Velocity, and there
    is no escape for them that holds everywhere.

    Args:
        content: UTF-8 text.
        headers: those whose values no mapping of headers can hold, because of quotes in them.
    """
    said = "".join(
        f'#set($context.responseOverride.header.{name} = "{value}")'
        for name, value in (headers or {}).items()
    )
    return f"{said}$util.base64Decode('{base64.b64encode(content).decode()}')"
