"""POST /predict: rows in, a prediction for each of them out."""

from __future__ import annotations

from ..media import negotiate, read, write
from .answer import Answer
from .served import Served


def predict(served: Served, body: bytes | str, content_type: str | None, accept: str | None) -> Answer:
    """Answer a request, with the hooks of a person's own where the model has some.

    Raises:
        RequestError: the request is wrong.
        Exception, SystemExit: whatever a hook raises.
    """
    if served.hooks is not None:
        content = body.encode() if isinstance(body, str) else body
        return Answer(*served.hooks.answer(content, content_type, accept))
    media_type = negotiate(accept)  # a 406 before the work
    matrix, wrapped = read(body, content_type, served.model.signature)
    rows, values = len(matrix), served.model.engine.predict(matrix)
    del matrix  # of a large request it is as large as the answer will be
    predictions = served.model.as_predictions(values)
    return Answer(200, write(predictions, media_type, wrapped=wrapped), media_type, rows)
