"""The four hooks, with Slipway's own behaviour: what an inference.py of a person's own starts from.

In AWS's prebuilt image a hook that raises becomes an HTML page with status 500; only its own response object
sets a status. So a request that is wrong travels through the hooks as a value, and `output_fn` answers it.
Our own server calls the same hooks and takes the same objects.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engines import JoblibEngine
from .errors import ModelNotReady, RequestError
from .media import JSON, Prediction, Request, negotiate, read, write
from .mixed_signature import read_signature
from .model import Model, load_model, verified_manifest

try:
    from sagemaker_containers.beta.framework import worker as _image
except ImportError:
    _image = None

# input_fn is not given the model, and parsing needs its signature. A worker process serves one model.
_loaded: dict[str, Model] = {}


@dataclass(frozen=True)
class Answer:
    """Predictions on their way to `output_fn`."""

    predictions: list[Prediction]
    wrapped: bool


@dataclass(frozen=True)
class Response:
    """An answer with its status, where the server is ours."""

    response: bytes
    status: int
    mimetype: str


def model_fn(model_dir: str) -> Any:
    """Verify and load the model in a folder.

    AWS's image loads `model.joblib`, with the scikit-learn that wrote it; ours what the manifest names.

    Raises:
        ModelNotReady: a file is not the one that the manifest names, or it cannot be loaded. AWS's image then
            answers /ping with a page of HTML and prints the traceback, so that its last line says why.
    """
    try:
        if _image is None:
            model = load_model(Path(model_dir))
        else:
            manifest = verified_manifest(Path(model_dir))
            model = Model(
                JoblibEngine(Path(model_dir) / "model.joblib", manifest["signature"], ()),
                read_signature(manifest),
            )
    except Exception as error:
        raise ModelNotReady(f"the model is not ready: {type(error).__name__}: {error}") from error
    use(model)
    return model


def use(model: Model) -> None:
    """Let `input_fn` read requests by this model's signature."""
    _loaded["model"] = model


def input_fn(body: bytes | str, content_type: str | None) -> Any:
    """Read the rows of a request; a wrong request is returned, not raised."""
    try:
        return read(body, content_type, _loaded["model"].signature)
    except RequestError as error:
        return error


def predict_fn(data: Request | RequestError, model: Model) -> Any:
    """Predict every row."""
    if isinstance(data, RequestError):
        return data
    try:
        return Answer(model.predict(data.matrix), data.wrapped)
    except RequestError as error:
        return error


def output_fn(prediction: Answer | RequestError, accept: str | None) -> Any:
    """Write the answer, or the error, as the response object of the server around it."""
    try:
        if isinstance(prediction, RequestError):
            raise prediction
        media_type = negotiate(accept)
        body = write(prediction.predictions, media_type, wrapped=prediction.wrapped)
        return _response(body, 200, media_type)
    except RequestError as error:
        return _response(json.dumps(error.body()).encode(), error.status, JSON)


def _response(body: bytes, status: int, media_type: str) -> Any:
    if _image is None:
        return Response(body, status, media_type)
    return _image.Response(response=body, status=status, mimetype=media_type)
