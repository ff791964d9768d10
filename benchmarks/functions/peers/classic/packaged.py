"""The classic handler, at its best: the pickle is in the package and loaded once."""

import json
import os
import warnings
from pathlib import Path
from typing import Any

import joblib

warnings.filterwarnings("ignore")  # scikit-learn asks for column names
model = joblib.load(Path(os.environ["LAMBDA_TASK_ROOT"]) / "model.joblib")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one line with its class."""
    cells = json.loads(event["body"])["data"].split(",")
    prediction = model.predict([[float(cell) for cell in cells]])[0]
    return {"statusCode": 200, "body": json.dumps({"prediction": str(prediction)})}
