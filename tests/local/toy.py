"""A toy model and the few resources it needs, made with plain API calls."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from localaws.control import ACCOUNT, REGION

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
ENVIRONMENT = {
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    "SAGEMAKER_REGION": REGION,
    "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
}
ROWS = "5.1,3.5,1.4,0.2\n6.0,3.0,4.8,1.8\n"
GOOD = """
import json, os, time
import joblib
def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
def predict_fn(data, model):
    print("rows:", len(data), flush=True)
    return model.predict(data)
"""
ECHO = """
import json, os
from flask import request
from sagemaker_containers.beta.framework import worker
def model_fn(model_dir):
    return model_dir
def transform_fn(model, body, content_type, accept):
    told = {"model_dir": model, "writable": os.access(model, os.W_OK), "headers": dict(request.headers),
            "type": content_type, "accept": accept, "own": os.environ.get("OWN"), "pid": os.getpid()}
    status = int(request.headers.get("X-Amzn-SageMaker-Custom-Attributes", "200"))
    return worker.Response(response=json.dumps(told), status=status, mimetype="application/json")
"""
BROKEN = """
def model_fn(model_dir):
    raise RuntimeError("no such model in the archive")
"""
# Counts its requests in a file, one byte each, and then does what MODE says.
COUNTED = """
import os, signal, time
from sagemaker_containers.beta.framework import worker
def model_fn(model_dir):
    return os.path.join(os.environ["TMPDIR"], "count")
def transform_fn(count, body, content_type, accept):
    with open(count, "ab") as stream:
        stream.write(b".")
    mode = os.environ.get("MODE", "")
    if mode == "hang":
        time.sleep(3600)
    if mode == "slow":
        time.sleep(1)
    if mode == "crash":
        os.killpg(0, signal.SIGKILL)
    status = 500 if mode == "error" else 200
    return worker.Response(response="[0]", status=status, mimetype="application/json")
"""
REFUSING = """
import json
from sagemaker_containers import _worker
def refuse():
    error = {"code": "model_not_verified", "message": "model.onnx is not the file that was packaged"}
    return _worker.Response(response=json.dumps({"error": error}), status=503, mimetype="application/json")
_worker.default_healthcheck_fn = refuse
def model_fn(model_dir):
    return model_dir
"""
CODES = {
    "good": GOOD, "good-again": GOOD + "# another archive\n", "echo": ECHO, "broken": BROKEN,
    "counted": COUNTED, "refusing": REFUSING,
}  # fmt: skip


class Toy:
    """Archives `<name>.gz` in one bucket, and roles to read them."""

    bucket = "toy-models"

    def __init__(self, boto: Callable[..., Any], folder: Path) -> None:
        self._boto = boto
        self.s3, self.iam, self.sagemaker = boto("s3"), boto("iam"), boto("sagemaker")
        self.s3.create_bucket(Bucket=self.bucket)
        for name, code in CODES.items():
            self.s3.put_object(Bucket=self.bucket, Key=f"{name}.gz", Body=archive(folder, code))
        self.role = self.make_role("toy-role", [allow(["s3:GetObject", "logs:*"], "*")])

    def make_role(
        self, name: str, statements: list[dict[str, Any]], condition: dict[str, Any] | None = None
    ) -> str:
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        if condition:
            trust["Condition"] = condition
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=policy(statements))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def drop_role(self, name: str) -> None:
        for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]:
            self.iam.delete_role_policy(RoleName=name, PolicyName=policy)
        self.iam.delete_role(RoleName=name)

    def model(self, name: str, archive: str, role: str | None = None, **environment: str) -> str:
        self.sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=role or self.role,
            PrimaryContainer={
                "Image": IMAGE, "ModelDataUrl": f"s3://{self.bucket}/{archive}.gz",
                "Environment": {**ENVIRONMENT, **environment},
            },
        )  # fmt: skip
        return name

    def endpoint(self, name: str, archive: str, **environment: str) -> str:
        """Deploy one archive as endpoint, configuration and model of one name, and wait until it serves."""
        self.model(name, archive, **environment)
        self.config(name, {name: 1.0})
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        assert self.settled(name)["EndpointStatus"] == "InService"
        return name

    def config(self, name: str, models: dict[str, float], **more: Any) -> None:
        """Make a configuration whose variants are models of the same names, with these weights."""
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=variants(models), **more
        )

    def settled(self, name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found = self.sagemaker.describe_endpoint(EndpointName=name)
            if found["EndpointStatus"] in ("InService", "Failed"):
                return found
            time.sleep(0.05)
        raise TimeoutError(name)

    def drop(self, *names: str) -> None:
        """Delete endpoints with their configurations and models, and wait until they are gone."""
        for name in names:
            existing = [entry["EndpointName"] for entry in self.sagemaker.list_endpoints()["Endpoints"]]
            if name in existing:
                self.sagemaker.delete_endpoint(EndpointName=name)
            configs = self.sagemaker.list_endpoint_configs()["EndpointConfigs"]
            if name in [entry["EndpointConfigName"] for entry in configs]:
                self.sagemaker.delete_endpoint_config(EndpointConfigName=name)
            if name in [entry["ModelName"] for entry in self.sagemaker.list_models()["Models"]]:
                self.sagemaker.delete_model(ModelName=name)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            left = {entry["EndpointName"] for entry in self.sagemaker.list_endpoints()["Endpoints"]}
            if not left & set(names):
                break
            time.sleep(0.05)
        logs = self._boto("logs")
        for name in names:
            group = f"/aws/sagemaker/Endpoints/{name}"
            if logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
                logs.delete_log_group(logGroupName=group)

    def remove(self) -> None:
        for name in CODES:
            self.s3.delete_object(Bucket=self.bucket, Key=f"{name}.gz")
        self.s3.delete_bucket(Bucket=self.bucket)
        self.drop_role("toy-role")


def variants(models: dict[str, float]) -> list[dict[str, Any]]:
    return [
        {"VariantName": model, "ModelName": model, "InitialInstanceCount": 1,
         "InstanceType": "ml.m5.large", "InitialVariantWeight": weight}
        for model, weight in models.items()
    ]  # fmt: skip


def policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(actions: list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def archive(folder: Path, code: str) -> bytes:
    """A model archive of a logistic regression on Iris, with this inference code."""
    features, labels = load_iris(return_X_y=True)
    joblib.dump(LogisticRegression(max_iter=500).fit(features, labels), folder / "model.joblib")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(folder / "model.joblib", "model.joblib")
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(code.encode())
        tar.addfile(entry, io.BytesIO(code.encode()))
    return packed.getvalue()
