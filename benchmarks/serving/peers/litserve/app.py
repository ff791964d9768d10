"""LitServe: two workers on the processor, JSON in and out."""

from __future__ import annotations

import os

import joblib
import litserve
import numpy as np


class Scorer(litserve.LitAPI):
    """Predicts rows."""

    def setup(self, _device: str) -> None:
        """Load the model."""
        self.model = joblib.load(os.environ["BENCH_MODEL"])

    # Annotated, the next two would be checked against their types on every request; these are the defaults.
    def decode_request(self, request):  # noqa: ANN001, ANN201
        """Read `{"rows": [...]}`."""
        return np.array(request["rows"])

    def predict(self, rows: np.ndarray) -> list[str]:
        """Predict."""
        return self.model.predict(rows).tolist()

    def encode_response(self, labels):  # noqa: ANN001, ANN201
        """Write `{"predictions": [...]}`."""
        return {"predictions": labels}


if __name__ == "__main__":
    server = litserve.LitServer(
        Scorer(api_path="/invocations"), accelerator="cpu", workers_per_device=2, healthcheck_path="/ping"
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["BENCH_PORT"]),
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
