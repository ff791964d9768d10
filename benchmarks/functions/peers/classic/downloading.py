"""The classic handler as recipes have it: the pickle comes from S3 with each request."""

import io
import json
import os
import warnings
from typing import Any

import boto3
import joblib

warnings.filterwarnings("ignore")  # scikit-learn asks for column names
s3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one line with its class."""
    found = s3.get_object(Bucket=os.environ["MODEL_BUCKET"], Key="model.joblib")
    model = joblib.load(io.BytesIO(found["Body"].read()))
    cells = json.loads(event["body"])["data"].split(",")
    prediction = model.predict([[float(cell) for cell in cells]])[0]
    return {"statusCode": 200, "body": json.dumps({"prediction": str(prediction)})}
