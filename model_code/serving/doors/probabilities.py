"""POST /probabilities: rows in, for each of them a prediction and the probability of each class."""

from __future__ import annotations

import json

from ..errors import RequestError
from ..media import JSON, negotiate, read
from .answer import Answer
from .served import Served


def probabilities(served: Served, body: bytes | str, content_type: str | None, accept: str | None) -> Answer:
    """Answer rows with `{"predictions": ["setosa", …], "probabilities": [{"setosa": 0.9, …}, …]}`.

    Raises:
        RequestError: the request is wrong, or this model tells no probabilities.
    """
    model = served.model
    if served.hooks is not None or not model.has_probabilities:
        why = served.manifest.get("engine", {}).get("no_probabilities", "")
        if served.hooks is not None:
            why = "it answers with an inference.py of its own"
        raise RequestError(
            "no_probabilities",
            f"This model tells no probabilities{': ' if why else ''}{why}.",
            status=404,
            hint="POST /predict takes its rows.",
        )
    negotiate(accept, (JSON,))
    matrix, _ = read(body, content_type, model.signature)
    predictions, listed = model.with_probabilities(matrix)
    answer = json.dumps({"predictions": predictions, "probabilities": listed}, ensure_ascii=False)
    return Answer(200, answer.encode(), JSON, len(matrix))
