"""The four hooks of AWS's prebuilt scikit-learn image.

In that image a hook that raises becomes an HTML page with status 500; only a `worker.Response` sets a status.
So a request that is wrong travels through the hooks as a value, and `output_fn` answers it.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import RequestError
from .media import JSON, Prediction, Request, read, write
from .model import Model, load_model

log = logging.getLogger("slipway")
# input_fn is not given the model, and parsing needs its signature. A worker process serves one model.
_loaded: dict[str, Model] = {}


@dataclass(frozen=True)
class Answer:
    """Predictions on their way to `output_fn`."""

    predictions: list[Prediction]
    wrapped: bool


def model_fn(model_dir: str) -> Model:
    """Verify and load the model in a folder.

    Raises:
        NotVerified: a file is not the one that the manifest names; the image answers /ping with 500.
    """
    try:
        model = load_model(Path(model_dir))
    except Exception as error:
        # The image prints a page of HTML for /ping; this line is what a person looks for in the log.
        log.error("the model is not ready: %s: %s", type(error).__name__, error)
        raise
    _loaded["model"] = model
    return model


def input_fn(body: bytes | str, content_type: str | None) -> Request | RequestError:
    """Read the rows of a request; a wrong request is returned, not raised."""
    try:
        return read(body, content_type, _loaded["model"].signature)
    except RequestError as error:
        return error


def predict_fn(data: Request | RequestError, model: Model) -> Answer | RequestError:
    """Predict every row."""
    if isinstance(data, RequestError):
        return data
    return Answer(model.predict(data.matrix), data.wrapped)


def output_fn(prediction: Answer | RequestError, accept: str | None) -> Any:
    """Write the answer, or the error, as the image's response object."""
    from sagemaker_containers.beta.framework import worker

    try:
        if isinstance(prediction, RequestError):
            raise prediction
        body, media_type = write(prediction.predictions, accept, wrapped=prediction.wrapped)
        return worker.Response(response=body, mimetype=media_type)
    except RequestError as error:
        return worker.Response(response=json.dumps(error.body()), status=error.status, mimetype=JSON)
