"""The three doors of the image: /ping, /execution-parameters and /invocations."""

import io
import json
import logging
import multiprocessing
import os
from functools import cache
from pathlib import Path
from typing import Any

import flask
import numpy as np

from xgboost_serving import model, payload, selectable

ACCEPTED = ["application/json", "application/jsonlines", "application/x-recordio-protobuf", "text/csv"]
MAX_CONTENT_LENGTH = int(os.environ.get("MAX_CONTENT_LENGTH", "6291456"))
_BATCH = bool(os.environ.get("SAGEMAKER_BATCH"))  # any text will do, `false` as well
_SELECTED = os.environ.get("SAGEMAKER_INFERENCE_OUTPUT")

_log = logging.getLogger(__name__)


@cache
def _model() -> model.Model:
    """Return this worker's model, loaded at its first request; a failure is tried again at the next."""
    return model.load(Path(os.environ["SM_MODEL_DIR"]))


def ping() -> flask.Response:
    """Answer 200 once the model is loaded, and 500 while it cannot be."""
    _model()
    return flask.Response(status=200)


def execution_parameters() -> flask.Response:
    """Tell a transform job how to call."""
    parameters = {
        "MaxConcurrentTransforms": int(
            os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS", multiprocessing.cpu_count())
        ),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": int(MAX_CONTENT_LENGTH / 1024**2),
    }
    return flask.Response(json.dumps(parameters), mimetype="application/json")


def invocations() -> flask.Response:
    """Predict; what is looked at first, of a request that is wrong in two ways, is the image's order."""
    body = flask.request.data
    if not body:
        return flask.Response("", status=204)
    try:
        matrix = payload.read(body, flask.request.content_type)
    except payload.UnreadablePayload as error:
        return _refusal(error, 415)
    try:
        loaded = _model()
    except Exception as error:
        return _refusal(error, 500, "Unable to load model: ")
    try:
        predictions = loaded.predict(matrix)
    except Exception as error:
        return _refusal(error, 400, "Unable to evaluate payload provided: ")
    try:
        accept = _accept(flask.request.headers.get("accept", ""))
    except ValueError as error:
        return _refusal(error, 406)
    if _SELECTED is not None:
        return _selected(_SELECTED, loaded, predictions, accept)
    return flask.Response(_encode(predictions.tolist(), accept), mimetype=accept)


def _refusal(error: Exception, status: int, before: str = "") -> flask.Response:
    _log.error("%s%s", before, error)
    return flask.Response(f"{before}{error}", status=status)


def _accept(header: str) -> str:
    accept = header.partition(";")[0].strip()
    if not accept or accept == "*/*":
        return os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv")
    if accept.lower() not in ACCEPTED:
        raise ValueError(
            f"Accept type {accept} is not supported. Please use supported accept types: {ACCEPTED}."
        )
    return accept.lower()


def _selected(wanted: str, loaded: model.Model, predictions: np.ndarray, accept: str) -> flask.Response:
    keys = wanted.replace(" ", "").lower().split(",")
    try:
        told = selectable.select(predictions, keys, loaded.objective, loaded.num_class)
        return flask.Response(selectable.encode(told, keys, accept, batch=_BATCH), mimetype=accept)
    except (ValueError, RuntimeError) as error:
        return _refusal(error, 500)


def _encode(rows: list[Any], accept: str) -> str | bytes:
    """Return the body for predictions. Raises what makes the page of a 500, for types without an encoding."""
    if _BATCH:
        return "\n".join(map(str, rows)) + "\n"
    if accept == "application/json":
        return json.dumps({"predictions": [{"score": row} for row in rows]})
    if accept == "text/csv":
        return "".join(
            ",".join(map(str, row)) + "\n" if isinstance(row, list) else f"{row}\n" for row in rows
        )
    if accept == "application/x-npy":  # only SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT leads here
        buffer = io.BytesIO()
        np.save(buffer, np.array(rows))
        return buffer.getvalue()
    raise NotImplementedError(f"Content type {accept} is not supported by this framework.")


application = flask.Flask("xgboost_serving")
application.config["MAX_CONTENT_LENGTH"] = MAX_CONTENT_LENGTH
application.add_url_rule("/ping", view_func=ping, methods=["GET"])
application.add_url_rule("/execution-parameters", view_func=execution_parameters, methods=["GET"])
application.add_url_rule("/invocations", view_func=invocations, methods=["POST"])
