"""FastAPI and scikit-learn, written with care: no pandas, nothing per request but parsing and predicting."""

from __future__ import annotations

import io
import os

import joblib
import numpy as np
from fastapi import FastAPI, Request, Response

app = FastAPI()
model = joblib.load(os.environ["BENCH_MODEL"])


@app.get("/ping")
async def ping() -> Response:
    """Answer 200 once the model is loaded."""
    return Response()


@app.post("/invocations")
async def invocations(request: Request) -> Response:
    """Predict rows of CSV without a header."""
    rows = np.loadtxt(io.BytesIO(await request.body()), delimiter=",", ndmin=2)
    labels = model.predict(rows).tolist()
    return Response("\n".join(labels) + "\n", media_type="text/csv")
