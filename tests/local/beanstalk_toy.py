"""A toy application for Elastic Beanstalk, and an embedded AWS that runs it as a process."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localaws.control import ACCOUNT, REGION, LocalAws
from localaws.images.engine import VARIABLE
from slipway.removal import remains_after_stop
from tests.local.conftest import free_port, state_root
from tests.local.published import context
from tests.local.toy import allow, policy

BUCKET = f"elasticbeanstalk-{REGION}-{ACCOUNT}"
PLATFORM = f"arn:aws:elasticbeanstalk:{REGION}::platform/Docker running on 64bit Amazon Linux 2023/4.13.7"
ANSWERING = """
import os, signal, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/end":
            os._exit(9)
        body = f"{NAME} {os.environ.get('COLOUR', '')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        print("asked for", self.path, flush=True)

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if NAME == "broken":
    sys.exit("no model in the bundle")
address = (os.environ["SLIPWAY_BIND_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
ThreadingHTTPServer(address, Handler).serve_forever()
"""
COMPOSE = """
services:
  model:
    build: {context: image, dockerfile: serving/Dockerfile, target: server, args: {ENGINE: onnx}}
    restart: always
    ports: ["80:8080"]
    env_file: [.env]
    read_only: true
    tmpfs: [/tmp]
"""
QUICK = {
    ("aws:elasticbeanstalk:environment", "LoadBalancerType"): "application",
    ("aws:elasticbeanstalk:environment:process:default", "HealthCheckInterval"): "5",
    ("aws:elasticbeanstalk:environment:process:default", "HealthyThresholdCount"): "2",
    ("aws:elasticbeanstalk:environment:process:default", "DeregistrationDelay"): "0",
    ("aws:autoscaling:launchconfiguration", "IamInstanceProfile"): "toy-profile",
    ("aws:elasticbeanstalk:environment", "ServiceRole"): "toy-service",
}
_WITHIN_S = 60


def settings(**more: str) -> list[dict[str, str]]:
    """The options of a toy environment; keywords are environment properties."""
    found = {**QUICK, **{("aws:elasticbeanstalk:application:environment", name): more[name] for name in more}}
    return [option(*key, value) for key, value in found.items()]


def option(namespace: str, name: str, value: str) -> dict[str, str]:
    return {"Namespace": namespace, "OptionName": name, "Value": value}


def bundle(folder: Path, name: str) -> bytes:
    """A source bundle whose server answers with its name; one called "broken" does not start."""
    files = context(folder / name)
    (files / "serving" / "server" / "__main__.py").write_text(f"NAME = {name!r}\n{ANSWERING}")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("docker-compose.yml", COMPOSE)
        for path in sorted(files.rglob("*")):
            if path.is_file():
                archive.write(path, f"image/{path.relative_to(files)}")
    return packed.getvalue()


@dataclass
class BeanstalkToy:
    """Bundles `<name>.zip` in one bucket, an instance profile, a service role, and an application "toy"."""

    local: LocalAws
    boto: Callable[..., Any]
    folder: Path

    def __post_init__(self) -> None:
        self.eb, self.s3, self.iam = self.boto("elasticbeanstalk"), self.boto("s3"), self.boto("iam")

    def prepare(self) -> None:
        self.s3.create_bucket(Bucket="bundles")
        for name in ("one", "two", "broken"):
            self.s3.put_object(Bucket="bundles", Key=f"{name}.zip", Body=bundle(self.folder, name))
        self.make_role("toy-machine", "ec2.amazonaws.com", ["s3:GetObject", "logs:*"])
        self.make_role("toy-service", "elasticbeanstalk.amazonaws.com", ["ec2:*"])
        self.iam.create_instance_profile(InstanceProfileName="toy-profile")
        self.iam.add_role_to_instance_profile(InstanceProfileName="toy-profile", RoleName="toy-machine")
        self.eb.create_application(ApplicationName="toy")
        for name in ("one", "two", "broken"):
            self.version(name, name)

    def make_role(self, name: str, service: str, actions: list[str]) -> None:
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        self.iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy([allow(actions, "*")]))

    def version(self, label: str, name: str, **more: Any) -> dict[str, Any]:
        bundle = {"S3Bucket": "bundles", "S3Key": f"{name}.zip"}
        made: dict[str, Any] = self.eb.create_application_version(
            ApplicationName="toy", VersionLabel=label, SourceBundle=bundle, **more
        )
        return made["ApplicationVersion"]

    def begin(self, name: str, label: str = "one", **more: Any) -> dict[str, Any]:
        request = {"OptionSettings": settings(), "PlatformArn": PLATFORM, **more}
        made: dict[str, Any] = self.eb.create_environment(
            ApplicationName="toy", EnvironmentName=name, VersionLabel=label, **request
        )
        return made

    def launch(self, name: str, label: str = "one", **more: Any) -> dict[str, Any]:
        self.begin(name, label, **more)
        return self.settled(name)

    def settled(self, name: str) -> dict[str, Any]:
        """How an environment is once no change is under way."""
        deadline = time.monotonic() + _WITHIN_S
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.describe(name)
            if found["Status"] in ("Ready", "Terminated"):
                return found
            time.sleep(0.05)
        raise TimeoutError(name)

    def describe(self, name: str) -> dict[str, Any]:
        return self.eb.describe_environments(EnvironmentNames=[name])["Environments"][-1]  # type: ignore[no-any-return]

    def drop(self, *names: str) -> None:
        existing = {entry["EnvironmentName"] for entry in self.existing()}
        for name in existing & set(names):
            self.settled(name)
            self.eb.terminate_environment(EnvironmentName=name)
        for name in existing & set(names):
            self.settled(name)

    def existing(self) -> list[dict[str, Any]]:
        return self.eb.describe_environments(IncludeDeleted=False)["Environments"]  # type: ignore[no-any-return]

    def events(self, name: str, **more: Any) -> list[str]:
        """An environment's events, the oldest first, each as "SEVERITY message"."""
        found = self.eb.describe_events(EnvironmentName=name, **more)["Events"]
        return [f"{event['Severity']} {event['Message']}" for event in reversed(found)]


def ask(address: str, path: str = "/") -> str:
    """What answers at 127.0.0.1:<port>; an error is its status."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.code)


@contextmanager
def running(folder: Path) -> Iterator[BeanstalkToy]:
    """An embedded AWS of its own, which runs images as processes, with the toy on it.

    It is stopped in the middle of a launch, and leaves nothing that runs.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "none")
        local = LocalAws(state_root(folder / "root"))
        port = free_port()
        server = local.start(port)
    try:

        def boto(service: str, **keys: str) -> Any:
            given = keys or {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local"}
            config = Config(proxies={}, retries={"total_max_attempts": 1}, read_timeout=90)
            session = boto3.session.Session(**given, region_name=REGION)
            return session.client(service, endpoint_url=server.url, config=config)

        toy = BeanstalkToy(local, boto, folder / "bundles")
        toy.prepare()
        yield toy

        toy.launch("last-env")
        toy.begin("late-env", "two")
        before = local.inventory()
    finally:
        local.stop()
    assert before.processes and before.ports and before.files
    assert remains_after_stop(local, before, port) == []
