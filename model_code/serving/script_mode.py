"""The four hooks of AWS's prebuilt scikit-learn image.

In that image a hook that raises becomes an HTML page with status 500; only a `worker.Response` sets a status.
So a request that is wrong travels through the hooks as a value, and `output_fn` answers it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ModelNotReady, RequestError
from .media import JSON, Prediction, Request, read, write
from .model import Model, load_model

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
        ModelNotReady: a file is not the one that the manifest names, or it cannot be loaded. The image then
            answers /ping with a page of HTML and prints the traceback, so that its last line says why.
    """
    try:
        model = load_model(Path(model_dir))
    except Exception as error:
        raise ModelNotReady(f"the model is not ready: {type(error).__name__}: {error}") from error
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
