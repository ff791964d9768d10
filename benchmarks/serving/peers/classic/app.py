"""The classic scoring service: Flask, pandas and scikit-learn behind gunicorn and nginx."""

from __future__ import annotations

import io
import os

import flask
import joblib
import pandas as pd

app = flask.Flask(__name__)
model = joblib.load(os.environ["BENCH_MODEL"])


@app.get("/ping")
def ping() -> flask.Response:
    """Answer 200 once the model is loaded."""
    return flask.Response(status=200)


@app.post("/invocations")
def invocations() -> flask.Response:
    """Predict rows of CSV without a header."""
    rows = pd.read_csv(io.StringIO(flask.request.get_data(as_text=True)), header=None)
    answer = io.StringIO()
    pd.DataFrame(model.predict(rows.to_numpy())).to_csv(answer, header=False, index=False)
    return flask.Response(answer.getvalue(), mimetype="text/csv")
