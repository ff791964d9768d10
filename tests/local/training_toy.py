"""A toy training script, and what a job with it needs, made with plain API calls."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Callable
from typing import Any

from localaws.control import ACCOUNT, REGION
from tests.local.toy import IMAGE, allow, policy

GROUP = "/aws/sagemaker/TrainingJobs"
ENDED = ("Completed", "Failed", "Stopped")
TRUST = {
    "Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole",
}  # fmt: skip
# Tells what it was given in the model's folder, and then does what --mode says.
SCRIPT = """
import argparse, json, os, signal, sys, time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--mode", default="good")
parser.add_argument("-C", type=float, default=0.0)
arguments = parser.parse_args()
model, host = Path(os.environ["SM_MODEL_DIR"]), os.environ["SM_CURRENT_HOST"]
base = model.parent
data = base / "input" / "data"
told = {
    "argv": sys.argv[1:], "variables": dict(os.environ), "cwd": os.getcwd(), "base": str(base),
    "files": {str(f.relative_to(data)): f.read_text() for f in sorted(data.rglob("*.csv"))},
    "config": {f.stem: json.loads(f.read_text()) for f in (base / "input" / "config").iterdir()},
}
(model / f"told-{host}.json").write_text(json.dumps(told))

def stopped(*_):
    (model / "stopped.txt").write_text("in time")
    sys.exit(0)

print("training on", host, flush=True)
print("validation-accuracy=0.5;", flush=True)
print("validation-accuracy=0.9375;", flush=True)
if arguments.mode == "output":
    Path(os.environ["SM_OUTPUT_DATA_DIR"], "plot.txt").write_text("a plot")
if arguments.mode == "raise":
    print("about to fail", file=sys.stderr)
    raise RuntimeError("label column 'species' is missing")
if arguments.mode == "abort":
    os.kill(os.getppid(), signal.SIGABRT)
if arguments.mode == "memory":
    os.kill(os.getpid(), signal.SIGKILL)
if arguments.mode == "client":
    (base / "output" / "failure").write_text("UserError: eta: 7.0 is not in [0, 1]")
    sys.exit(2)
if arguments.mode == "wait" or arguments.mode == "first-fails" and host == "algo-2":
    signal.signal(signal.SIGTERM, stopped)
    time.sleep(300)
if arguments.mode == "first-fails":
    sys.exit(3)
if arguments.mode == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(300)
if arguments.mode == "checkpoint":
    folder = base / "checkpoints"
    done = sorted(f.name for f in folder.iterdir())
    print("found", done, flush=True)
    (folder / f"epoch-{len(done)}.txt").write_text("weights")
    signal.signal(signal.SIGTERM, stopped)
    time.sleep(0 if done else 300)
"""


class Trainer:
    """A bucket with data and code, and a role that may use them."""

    bucket = "toy-training"

    def __init__(self, boto: Callable[..., Any]) -> None:
        self.s3, self.iam, self.logs = boto("s3"), boto("iam"), boto("logs")
        self.sagemaker = boto("sagemaker")
        self.s3.create_bucket(Bucket=self.bucket)
        for number in range(4):
            self.put(f"data/train/part-{number}.csv", f"{number}\n")
        self.put("data/train-more/part-9.csv", "9\n")
        self.s3.put_object(Bucket=self.bucket, Key="code/sourcedir.tar.gz", Body=packed(SCRIPT))
        self.role = self.make_role("toy-trainer", [allow(["s3:*", "logs:*"], "*")])

    def put(self, key: str, text: str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=text.encode())

    def make_role(self, name: str, statements: list[dict[str, Any]], **trust: Any) -> str:
        document = json.dumps({"Statement": [{**TRUST, **trust}]})
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(statements))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def drop_role(self, name: str) -> None:
        for entry in self.iam.list_role_policies(RoleName=name)["PolicyNames"]:
            self.iam.delete_role_policy(RoleName=name, PolicyName=entry)
        self.iam.delete_role(RoleName=name)

    def channel(self, prefix: str = "data/train/", name: str = "train", **source: Any) -> dict[str, Any]:
        return {
            "ChannelName": name,
            "ContentType": "text/csv",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/{prefix}",
                    "S3DataDistributionType": "FullyReplicated", **source,
                }
            },
        }  # fmt: skip

    def request(self, name: str, mode: str = "good", hosts: int = 1, **more: Any) -> dict[str, Any]:
        """Return a CreateTrainingJob request; a member of `more` that is None is left out."""
        request = {
            "TrainingJobName": name,
            "RoleArn": self.role,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": "train.py", "mode": mode, "C": "0.5", "sagemaker_region": REGION,
                "sagemaker_submit_directory": f"s3://{self.bucket}/code/sourcedir.tar.gz",
            },
            "InputDataConfig": [self.channel()],
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/out"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large", "InstanceCount": hosts, "VolumeSizeInGB": 5,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 120},
            **more,
        }  # fmt: skip
        return {member: value for member, value in request.items() if value is not None}

    def start(self, name: str, mode: str = "good", hosts: int = 1, **more: Any) -> str:
        answer = self.sagemaker.create_training_job(**self.request(name, mode, hosts, **more))
        return str(answer["TrainingJobArn"])

    def run(self, name: str, mode: str = "good", hosts: int = 1, **more: Any) -> dict[str, Any]:
        """Run a job to its end and return its description."""
        self.start(name, mode, hosts, **more)
        return self.ended(name)

    def describe(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
        return found

    def ended(self, name: str) -> dict[str, Any]:
        return self.until(name, lambda found: found["TrainingJobStatus"] in ENDED)

    def until(self, name: str, happened: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.describe(name)
            if happened(found):
                return found
            time.sleep(0.05)
        raise TimeoutError(f"{name}: {self.describe(name)}")

    def until_printed(self, name: str, text: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if text in "\n".join(line for lines in self.log(name).values() for line in lines):
                return
            time.sleep(0.05)
        raise TimeoutError(f"{name}: {self.log(name)}")

    def log(self, name: str) -> dict[str, list[str]]:
        """Return the lines of a job's streams, by the streams' names."""
        if not self.logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
            return {}
        found = self.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")
        return {
            stream: [event["message"] for event in self._events(stream)]
            for stream in (entry["logStreamName"] for entry in found["logStreams"])
        }

    def _events(self, stream: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.logs.get_log_events(
            logGroupName=GROUP, logStreamName=stream, startFromHead=True
        )["events"]
        return events

    def stored(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for entry in found.get("Contents", [])]

    def archive(self, key: str) -> dict[str, str]:
        """Return the texts in a tar.gz of the bucket, by their names."""
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
            return {entry.name: tar.extractfile(entry).read().decode() for entry in tar}  # type: ignore[union-attr]

    def told(self, name: str, host: str = "algo-1") -> dict[str, Any]:
        """Return what the script was given, from its model archive."""
        text = self.archive(f"out/{name}/output/model.tar.gz")[f"told-{host}.json"]
        told: dict[str, Any] = json.loads(text)
        return told

    def remove(self) -> None:
        for job in self.sagemaker.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]:
            if job["TrainingJobStatus"] in ENDED:
                self.sagemaker.delete_training_job(TrainingJobName=job["TrainingJobName"])
        for key in self.stored(""):
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        self.s3.delete_bucket(Bucket=self.bucket)
        if self.logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]:
            self.logs.delete_log_group(logGroupName=GROUP)
        self.drop_role("toy-trainer")


def packed(script: str, **files: str) -> bytes:
    """Return a source archive as SDKs make it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in {"train.py": script, **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()
