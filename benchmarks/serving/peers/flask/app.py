"""The classic recipe: Flask's own server around a pickled forest."""

from __future__ import annotations

import logging
import os

import flask
import joblib

app = flask.Flask(__name__)
model = joblib.load(os.environ["BENCH_MODEL"])


@app.get("/ping")
def ping() -> flask.Response:
    """Answer 200 once the model is loaded."""
    return flask.Response(status=200)


@app.post("/predict")
def predict() -> flask.Response:
    """Predict a JSON list of rows."""
    return flask.jsonify(model.predict(flask.request.get_json()).tolist())


if __name__ == "__main__":
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # no line per request, as for all others
    app.run(host="127.0.0.1", port=int(os.environ["BENCH_PORT"]))
