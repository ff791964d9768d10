"""Transform jobs on toy models: what is sent, what comes back, and what the log says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.local.toy import Toy, allow, archive

# Answers the sum of each row. A row with "bad" is refused, one with "boom" raises, and "env" tells its own.
SUMS = """
import json, os, time
from sagemaker_containers.beta.framework import worker
ASKED = ("SAGEMAKER_BATCH", "SAGEMAKER_BATCH_STRATEGY", "SAGEMAKER_MAX_PAYLOAD_IN_MB",
         "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "OWN")
def execution_parameters_fn():
    told = {"MaxConcurrentTransforms": 2, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 1}
    return worker.Response(response=json.dumps(told), status=200 if os.environ.get("TELLS") else 404)
def model_fn(model_dir):
    return model_dir
def total(row):
    if "boom" in row:
        raise ValueError("boom")
    if row == "slow":
        time.sleep(30)
    return sum(float(cell) for cell in row.split(",") if cell.replace(".", "").isdigit())
def transform_fn(model, body, content_type, accept):
    text = body if isinstance(body, str) else body.decode()
    rows = text.splitlines()
    print("rows", len(rows), "of", len(text), flush=True)
    if any("bad" in row for row in rows):
        return worker.Response(response="cannot read a bad row", status=400)
    if rows[0] == "env":
        return worker.Response(response=json.dumps({name: os.environ.get(name) for name in ASKED}))
    if "json" in content_type:
        answers = [json.dumps({"label": json.loads(row)}) for row in rows]
    else:
        answers = [str(total(row)) for row in rows]
    return worker.Response(response="\\n".join(answers) + "\\n", mimetype=accept)
"""
GROUP = "/aws/sagemaker/TransformJobs"
TEXT = {"TransformInput": {"ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"Accept": "text/csv", "AssembleWith": "Line"}}  # fmt: skip
LINES = {"TransformInput": {"ContentType": "application/jsonlines", "SplitType": "Line"},
         "TransformOutput": {"Accept": "application/jsonlines", "AssembleWith": "Line"}}  # fmt: skip


class Batch:
    """A bucket for inputs and outputs, and jobs on models of the toy."""

    bucket = "batch-data"

    def __init__(self, boto: Callable[..., Any], toy: Toy, folder: Path) -> None:
        self.toy = toy
        self.sagemaker = boto("sagemaker")
        self._logs = boto("logs")
        toy.s3.create_bucket(Bucket=self.bucket)
        toy.s3.put_object(Bucket=toy.bucket, Key="sums.gz", Body=archive(folder, SUMS))
        rights = ["s3:GetObject", "s3:ListBucket", "s3:PutObject", "logs:*"]
        self.role = toy.make_role("batch-role", [allow(rights, "*")])
        toy.model("sums", "sums", self.role)

    def put(self, files: dict[str, bytes]) -> None:
        """Store inputs by their keys."""
        for key, content in files.items():
            self.toy.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def start(self, name: str, model: str, source: str, output: str = "", **more: Any) -> dict[str, Any]:
        """Create a job from this bucket to itself; `more` is merged into its request."""
        request: dict[str, Any] = {
            "TransformJobName": name,
            "ModelName": model,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": self.uri(source)}}
            },
            "TransformOutput": {"S3OutputPath": self.uri(output or f"{name}-out")},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        }
        for member, value in more.items():
            both = isinstance(value, dict) and member in request
            request[member] = {**request[member], **value} if both else value
        answer: dict[str, Any] = self.sagemaker.create_transform_job(**request)
        return answer

    def run(self, name: str, model: str, source: str, output: str = "", **more: Any) -> dict[str, Any]:
        """Create a job, wait for its end, and return what is then told of it."""
        self.start(name, model, source, output, **more)
        return self.ended(name)

    def ended(self, name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.sagemaker.describe_transform_job(TransformJobName=name)
            if found["TransformJobStatus"] not in ("InProgress", "Stopping"):
                return found
            time.sleep(0.05)
        raise TimeoutError(name)

    def outputs(self, prefix: str) -> dict[str, bytes]:
        """Return the objects below a prefix by the rest of their keys."""
        listed = self.toy.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"{prefix}/").get("Contents", [])
        return {
            entry["Key"].removeprefix(f"{prefix}/"): self.toy.s3.get_object(
                Bucket=self.bucket, Key=entry["Key"]
            )["Body"].read()
            for entry in listed
        }

    def data_log(self, name: str) -> list[str]:
        """Return the lines of the data logs of all instances, without their head."""
        lines = [text for stream, text in self._logged(name) if stream.endswith("/data-log")]
        return [line.removeprefix("[sagemaker logs]: ") for line in lines]

    def requests(self, name: str) -> list[str]:
        """Return what the toy printed of its requests."""
        return [text for _, text in self._logged(name) if text.startswith("rows ")]

    def _logged(self, name: str) -> list[tuple[str, str]]:
        """Return streams and lines."""
        if not self._logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
            return []  # nothing has been printed yet
        events = self._logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["events"]
        return [(event["logStreamName"], event["message"]) for event in events]

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def remove(self) -> None:
        listed = self.toy.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        for entry in listed:
            self.toy.s3.delete_object(Bucket=self.bucket, Key=entry["Key"])
        self.toy.s3.delete_bucket(Bucket=self.bucket)
        self.toy.s3.delete_object(Bucket=self.toy.bucket, Key="sums.gz")
        self.toy.drop("sums")
        self.toy.drop_role("batch-role")
        if self._logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
            self._logs.delete_log_group(logGroupName=GROUP)
