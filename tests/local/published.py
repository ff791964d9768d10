"""A toy image, the project's own Dockerfile around a server of a few lines, and the AWS that it is in."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from localaws.control import ACCOUNT, DOCKER, REGION, LocalAws, Server, client_environment
from localaws.environments import SERVER
from tests.local.conftest import ROOT
from tests.local.toy import allow, policy

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability",
        "ecr:GetAuthorizationToken"]  # fmt: skip
ANSWERING = """
import json, os, signal, sys, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

def writable(path):
    try:
        open(os.path.join(path, "probe"), "w").close()
        os.remove(os.path.join(path, "probe"))
        return True
    except OSError:
        return False

def reached():
    try:
        return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"], timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"{}")
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if asked == b"crash":
            os.kill(1 if os.getpid() == 1 else os.getpid(), signal.SIGKILL)
            os._exit(9)
        model = os.environ["SM_MODEL_DIR"]
        self.answer(json.dumps({
            "asked": asked.decode(), "model": open(os.path.join(model, "model.txt")).read(),
            "uid": os.getuid(), "model_dir": model, "own": os.environ["OWN"],
            "threads": os.environ["OMP_NUM_THREADS"],
            "writable": [path for path in (model, "/opt/slipway", os.environ["HOME"]) if writable(path)],
            "aws": reached(), "python": sys.version_info[:2], "arguments": sys.argv[1:],
        }).encode())
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        print("asked for", self.path, flush=True)

signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print("serving", flush=True)
host = os.environ["SLIPWAY_BIND_HOST"]
ThreadingHTTPServer((host, int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def context(folder: Path) -> Path:
    """Write the build context: the project's Dockerfile, one small pinned package, and the server."""
    server = folder / "serving" / "server"
    server.mkdir(parents=True)
    shutil.copy(ROOT / "model_code" / "serving" / "Dockerfile", folder / "serving")
    lines = SERVER.requirements.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("six=="))
    end = next(number for number in range(start + 1, len(lines)) if not lines[number].startswith(" "))
    for kind in ("onnx", "s3"):
        text = "\n".join(lines[start:end]) + "\n"
        (folder / "serving" / f"requirements-{kind}.txt").write_text(text)
    (folder / "serving" / "__init__.py").write_text("")
    (server / "__init__.py").write_text("")
    (server.parent / "doors").mkdir()
    (server.parent / "doors" / "__init__.py").write_text("")
    (server / "__main__.py").write_text(ANSWERING)
    return folder


@dataclass
class Published:
    """An embedded AWS with a repository, a role and a model archive; `docker` is what CDK_DOCKER names."""

    local: LocalAws
    server: Server
    context: Path

    @property
    def environment(self) -> dict[str, str]:
        return client_environment(self.server)

    def boto(self, service: str, **keys: str) -> Any:
        given = keys or {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local"}
        config = Config(proxies={}, retries={"total_max_attempts": 1}, read_timeout=90)
        session = boto3.session.Session(**given, region_name=REGION)
        return session.client(service, endpoint_url=self.server.url, config=config)

    def docker(self, *arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [DOCKER, *arguments], cwd=self.context, env={**self.environment, **variables}, input=given,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip

    def prepare(self) -> None:
        self.boto("ecr").create_repository(repositoryName="toy", imageTagMutability="IMMUTABLE")
        self.boto("s3").create_bucket(Bucket="models")
        packed = BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            entry = tarfile.TarInfo("model.txt")
            entry.size, entry.mode = 5, 0o644
            tar.addfile(entry, BytesIO(b"seven"))
        self.boto("s3").put_object(Bucket="models", Key="m.tar.gz", Body=packed.getvalue())
        self.role("serving", [*PULL, "s3:GetObject", "logs:*"])

    def role(self, name: str, actions: list[str], service: str = "sagemaker.amazonaws.com") -> str:
        trusted: Mapping[str, str] = {"Service": service}
        if service == "account":
            trusted = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        iam = self.boto("iam")
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy([allow(actions, "*")]))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def login(self, **keys: str) -> subprocess.CompletedProcess[str]:
        data = self.boto("ecr", **keys).get_authorization_token()["authorizationData"][0]
        password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]
        return self.docker("login", "--username", "AWS", "--password-stdin", HOST, given=password)

    def build(self, tag: str = "cdkasset-toy", *options: str) -> subprocess.CompletedProcess[str]:
        file = ("--file", "serving/Dockerfile", "--platform", "linux/amd64")
        target = () if "--target" in options else ("--target", "server")
        return self.docker("build", "--tag", tag, "--build-arg", "ENGINE=onnx", *file, *target, *options, ".")

    def push(self, tag: str, local: str = "cdkasset-toy") -> subprocess.CompletedProcess[str]:
        tagged = self.docker("tag", local, f"{HOST}/toy:{tag}")
        return tagged if tagged.returncode else self.docker("push", f"{HOST}/toy:{tag}")

    def model(self, name: str, image: str, role: str = f"arn:aws:iam::{ACCOUNT}:role/serving") -> None:
        self.boto("sagemaker").create_model(
            ModelName=name, ExecutionRoleArn=role,
            PrimaryContainer={
                "Image": image, "ModelDataUrl": "s3://models/m.tar.gz", "Environment": {"OWN": "own value"},
            },
        )  # fmt: skip

    def endpoint(self, name: str, image: str, **sizes: Any) -> dict[str, Any]:
        """Serve an image and return how the endpoint settled."""
        sagemaker = self.boto("sagemaker")
        self.model(name, image)
        on = sizes or {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{"VariantName": "champion", "ModelName": name, **on}]
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        return self.settled(name)

    def settled(self, name: str) -> dict[str, Any]:
        sagemaker, deadline = self.boto("sagemaker"), time.monotonic() + 120
        while time.monotonic() < deadline:
            found: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
            if found["EndpointStatus"] in ("InService", "Failed"):
                return found
            time.sleep(0.05)
        raise TimeoutError(name)

    def ask(self, name: str, body: str = "?") -> dict[str, Any]:
        answer = self.boto("sagemaker-runtime").invoke_endpoint(EndpointName=name, Body=body)
        told: dict[str, Any] = json.loads(answer["Body"].read())
        return told

    def drop(self, name: str) -> None:
        sagemaker = self.boto("sagemaker")
        sagemaker.delete_endpoint(EndpointName=name)
        deadline = time.monotonic() + 60
        while sagemaker.list_endpoints(NameContains=name)["Endpoints"] and time.monotonic() < deadline:
            time.sleep(0.05)
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
        sagemaker.delete_model(ModelName=name)
