"""Drives the state machines of a deployed project, as somebody does by hand."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from slipway.aws import Aws
from stacks.storage import data_prefix, uri

_END_S = 120


@dataclass(frozen=True)
class Machines:
    """Both examples with their machines, and the rows that they were trained on."""

    aws: Aws
    bucket: str
    outputs: dict[str, dict[str, str]]
    channels: dict[str, dict[str, str]]

    def put(self, key: str, text: str) -> str:
        """Store a text and return its folder's address."""
        self.aws.client("s3").put_object(Bucket=self.bucket, Key=key, Body=text.encode())
        return uri(self.bucket, key.rpartition("/")[0] + "/")

    def train_on(self, model: str, version: str, lines: list[str]) -> dict[str, str]:
        """Store a version of the data with these training rows and the same validation rows."""
        validation = self.channels[model]["validation"]
        files = {"train": "\n".join(lines) + "\n", "validation": validation}
        return {
            channel: self.put(data_prefix(model, channel, version) + f"{channel}.csv", text)
            for channel, text in files.items()
        }

    def start(self, model: str, machine: str, given: dict[str, str], **more: str) -> str:
        """Start a machine by hand."""
        arn: str = self.aws.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs[model][machine], input=json.dumps(given), **more
        )["executionArn"]
        return arn

    def end(self, execution: str) -> dict[str, Any]:
        """Wait for the end of an execution."""
        deadline = time.monotonic() + _END_S
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.aws.client("stepfunctions").describe_execution(
                executionArn=execution
            )
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.1)
        raise TimeoutError(execution)

    def run(self, model: str, machine: str, given: dict[str, str], **more: str) -> dict[str, Any]:
        return self.end(self.start(model, machine, given, **more))

    def packages(self, model: str) -> list[dict[str, Any]]:
        group = self.outputs[model]["ModelPackageGroupName"]
        found: list[dict[str, Any]] = self.aws.client("sagemaker").list_model_packages(
            ModelPackageGroupName=group
        )["ModelPackageSummaryList"]
        return found
