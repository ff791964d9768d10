"""Small functions and a layer that says what it was made from, and what deploys them with plain API calls."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from localaws.control import ACCOUNT, REGION, LocalAws
from localaws.environments import SERVER
from tests.local.toy import allow, policy

LOGS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
HANDLER = """
import json, os, signal, subprocess, sys, time
import six

STARTED = time.time()
if os.environ.get("BROKEN"):
    raise RuntimeError("no such model")

def writable(path):
    try:
        with open(os.path.join(path, "probe"), "w"):
            return True
    except OSError:
        return False

def handler(event, context):
    what = event.get("do")
    if what == "sleep":
        time.sleep(event["seconds"])
    elif what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "exit":
        os._exit(3)
    elif what == "allocate":
        held = bytearray(event["mb"] << 20)
        held[::4096] = b"x" * len(held[::4096])
        time.sleep(event.get("seconds", 0))
    elif what == "big":
        return "x" * event["bytes"]
    elif what == "raise":
        raise ValueError("wrong row")
    print("handled", what)
    return {
        "pid": os.getpid(), "event": event, "arn": context.invoked_function_arn,
        "request": context.aws_request_id, "left": context.get_remaining_time_in_millis(),
        "version": context.function_version, "stream": context.log_stream_name,
        "environment": dict(os.environ), "six": six.__version__, "cwd": os.getcwd(),
        "files": sorted(os.listdir(".")), "python": list(sys.version_info[:2]),
    }
"""


def zipped(**files: str | bytes) -> bytes:
    """A zip file; `_` in a name stands for a path's `/`, and `__` for the dot before its ending."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", ".").replace("_", "/"), text)
    return content.getvalue()


def layer_zip() -> bytes:
    """A layer as a packager makes it: one small wheel, which this machine cannot import, and its lock."""
    lines = SERVER.requirements.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("six=="))
    end = next(number for number in range(start + 1, len(lines)) if not lines[number].startswith(" "))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("python/slipway-requirements.txt", "\n".join(lines[start:end]) + "\n")
        archive.writestr("python/six.py", "raise ImportError('built for another machine')\n")
    return content.getvalue()


@dataclass
class Reply:
    """What an invocation came to."""

    payload: Any
    error: str | None
    version: str
    log: str


@dataclass
class FunctionsToy:
    """Makes functions with a role and a layer, and removes all of them."""

    boto: Callable[..., Any]
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.aws = self.boto("lambda")
        self.role = self.make_role("functions-toy", LOGS)
        layer = self.aws.publish_layer_version(
            LayerName="functions-toy", Content={"ZipFile": layer_zip()}, CompatibleRuntimes=["python3.13"]
        )
        self.layer = layer["LayerVersionArn"]

    def make_role(self, name: str, actions: list[str], service: str = "lambda.amazonaws.com") -> str:
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        iam = self.boto("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        if actions:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy([allow(actions, "*")]))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def drop_role(self, name: str) -> None:
        iam = self.boto("iam")
        for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=inline)
        iam.delete_role(RoleName=name)

    def create(self, name: str, code: str = HANDLER, **more: Any) -> str:
        """Make a function and wait until it is there."""
        settings = {
            "Runtime": "python3.13", "Role": self.role, "Handler": "index.handler", "Layers": [self.layer],
            "Code": {"ZipFile": zipped(index__py=code)}, "Timeout": 10, "MemorySize": 512,
        }  # fmt: skip
        self.aws.create_function(FunctionName=name, **{**settings, **more})
        self.made.append(name)
        self.settled(name)
        return name

    def settled(self, name: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.aws.get_function_configuration(FunctionName=name)
            if found["State"] == "Active" and found["LastUpdateStatus"] == "Successful":
                return
            time.sleep(0.05)
        raise TimeoutError(name)

    def ask(self, name: str, event: Any = None, **more: Any) -> Reply:
        answer = self.aws.invoke(FunctionName=name, Payload=json.dumps(event or {}), LogType="Tail", **more)
        payload = json.loads(answer["Payload"].read() or b"null")
        log = base64.b64decode(answer.get("LogResult", "")).decode()
        return Reply(payload, answer.get("FunctionError"), answer.get("ExecutedVersion", ""), log)

    def lines(self, group: str, count: int = 1) -> list[str]:
        """Wait for so many lines of a log group."""
        logs, deadline, found = self.boto("logs"), time.monotonic() + 10, []
        while time.monotonic() < deadline:
            if logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
                found = [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
            if len(found) >= count:
                return found
            time.sleep(0.1)
        return found

    def drop(self, name: str) -> None:
        self.aws.delete_function(FunctionName=name)
        self.made.remove(name)

    @contextmanager
    def function(self, name: str, **more: Any) -> Iterator[str]:
        yield self.create(name, **more)
        self.drop(name)

    def remove(self) -> None:
        for name in list(self.made):
            self.drop(name)
        self.aws.delete_layer_version(
            LayerName="functions-toy", VersionNumber=int(self.layer.rpartition(":")[2])
        )
        self.drop_role("functions-toy")
        logs = self.boto("logs")
        for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])


__all__ = ["ACCOUNT", "HANDLER", "LOGS", "REGION", "FunctionsToy", "Reply", "layer_zip", "zipped"]


def processes(local_aws: LocalAws) -> set[int]:
    """The clients of the Runtime API; a guard's command line holds theirs as well."""
    return {
        process.pid
        for process in local_aws.inventory().processes
        if "-m awslambdaric" in process.command and "guard.py" not in process.command
    }


def gone(local_aws: LocalAws, pid: int) -> bool:
    deadline = time.monotonic() + 5
    while pid in processes(local_aws):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
