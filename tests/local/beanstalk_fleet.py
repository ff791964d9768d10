"""A fleet without an emulator around it: small ports, a tiny server in place of an image, bundles by hand."""

from __future__ import annotations

import shutil
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from localaws.beanstalk.balancer.balancer import Balancer
from localaws.beanstalk.fleet.fleet import Fleet
from localaws.beanstalk.fleet.host import Host
from localaws.beanstalk.running import Deployment
from localaws.images.container_image import LoadedImages
from localaws.images.defined_image import Contexts
from localaws.images.own import OwnImages
from localaws.images.prebuilt import Launch, Place, Runner
from localaws.ports import (
    AccessDeniedError,
    Credentials,
    Metric,
    NotFoundError,
    Ports,
    Scope,
    StoredObject,
)
from localaws.sagemaker.logs import LogShipper

SCOPE = Scope("000000000000", "us-east-1")
ROLE = "arn:aws:iam::000000000000:role/machines"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:1"
LOGS = "/aws/elasticbeanstalk/toy-blue"
COMPOSE = """
services:
  model:
    image: ${SLIPWAY_IMAGE}
    env_file: .env
    ports: ["80:8080"]
    volumes: ["./model:/opt/ml/model:ro"]
    restart: always
"""
# Answers with the name of its model. MODE says how it fails: exit at start, unhealthy, or both never.
SERVER = """
import http.server, os, sys
mode = os.environ.get("MODE", "")
name = open(os.environ["SM_MODEL_DIR"] + "/name").read()
print("loading", name, flush=True)
if mode == "exit":
    sys.exit("the model cannot be loaded")
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def do_GET(self):
        sick = os.path.exists(os.environ["TMPDIR"] + "/sick")
        self.send_response(503 if mode == "unhealthy" or (sick and self.path == "/ping") else 200)
        body = name.encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
server = Server(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler)
import signal, threading
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
"""


class Roles:
    def __init__(self) -> None:
        self.refused = ""

    def assume(self, role_arn: str, *, service: str, source_arn: str, scope: Scope) -> Credentials:
        assert (service, source_arn.partition(":instance/")[1]) == ("ec2.amazonaws.com", ":instance/")
        if self.refused:
            raise AccessDeniedError(self.refused)
        return Credentials("key", "secret", "token", time.time() + 3600)


class Objects:
    """Bundles of a folder, by key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refused = ""

    def check(self, bucket: str, key: str, credentials: Credentials) -> None:
        raise NotImplementedError

    def download(self, bucket: str, key: str, target: Path, credentials: Credentials) -> None:
        if self.refused:
            raise AccessDeniedError(self.refused)
        if not (self.folder / key).is_file():
            raise NotFoundError(f"{bucket} has no {key}")
        shutil.copy(self.folder / key, target)

    def list(self, bucket: str, prefix: str, credentials: Credentials) -> Sequence[StoredObject]:
        raise NotImplementedError

    def upload(
        self, bucket: str, key: str, source: Path, credentials: Credentials, *, kms_key: str | None = None
    ) -> None:
        raise NotImplementedError


class Sink:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []

    def write(
        self, group: str, stream: str, lines: Sequence[tuple[int, str]], credentials: Credentials
    ) -> None:
        self.lines += [(group, stream, text) for _, text in lines]


class Metrics:
    def record(self, namespace: str, metrics: Sequence[Metric], scope: Scope) -> None:
        raise NotImplementedError

    def evaluate_alarms(self, scope: Scope) -> None:
        raise NotImplementedError


class LogGroups:
    def __init__(self) -> None:
        self.days: dict[str, int | None] = {}

    def ensure(self, group: str, retention_days: int | None, scope: Scope) -> None:
        self.days[group] = retention_days

    def delete(self, group: str, scope: Scope) -> None:
        self.days.pop(group, None)


class TinyServer:
    """What stands for every image: the server above."""

    def prepare(self, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        environment = {**place.process_environment(variables), "TMPDIR": str(place.folder / "tmp")}
        return Launch((sys.executable, "-I", "-c", SERVER), environment, grace_s=5)


class Images:
    """Every image is the tiny server; `own` are images of the real kind, and have what `registry` has."""

    def __init__(self, own: OwnImages) -> None:
        self.own: OwnImages | None = None
        self._own = own
        self.asked: list[str] = []

    def are_real(self) -> None:
        self.own = self._own

    def find(self, text: str, role_arn: str, credentials: Callable[[], Credentials]) -> Runner | None:
        self.asked.append(text)
        return self.own.find(text, role_arn, credentials) if self.own else TinyServer()


class Registry:
    """ECR with no image, or with no right to it."""

    def __init__(self) -> None:
        self.refused = ""

    def manifest(self, registry: Scope, repository: str, reference: str, credentials: Credentials) -> bytes:
        if self.refused:
            raise AccessDeniedError(self.refused)
        raise NotFoundError(f"{repository} has no {reference}")

    def token(self, registry: Scope, credentials: Credentials) -> str:
        raise NotImplementedError


class Parts:
    """The host of a fleet, and what a test looks at."""

    def __init__(self, folder: Path, balancer: Balancer) -> None:
        self.folder, self.balancer = folder, balancer
        self.roles, self.registry, self.sink, self.groups = Roles(), Registry(), Sink(), LogGroups()
        loaded = LoadedImages(lambda: None, "none", folder)
        self.images = Images(OwnImages("", self.registry, loaded, Contexts(folder / "contexts")))
        self.bundles = folder / "bundles"
        self.fleets = folder / "fleets"
        self.bundles.mkdir()
        self.fleets.mkdir()
        self.objects = Objects(self.bundles)
        self.said: list[tuple[str, str]] = []
        self.host = Host(
            ports=Ports(self.roles, self.objects, self.sink, Metrics()),
            images=self.images,
            loaded=loaded,
            shipper=LogShipper(self.sink),
            log_groups=self.groups,
            targets=balancer,
            fleets=self.fleets,
            envs=folder / "envs",
            url="http://127.0.0.1:1",
        )

    def bundle(self, name: str, files: Mapping[str, str] | None = None) -> str:
        """Write a bundle, by default one whose model answers with its name; return its key."""
        with zipfile.ZipFile(self.bundles / name, "w") as target:
            for path, text in (files or {"docker-compose.yml": COMPOSE, "model/name": name}).items():
                target.writestr(path, text)
        return name

    def deployment(self, name: str, **changes: object) -> Deployment:
        """Return the deployment of a bundle; times are short, as nothing here takes long."""
        mode = changes.pop("mode", None)
        properties = {"SLIPWAY_IMAGE": IMAGE, **({"MODE": str(mode)} if mode else {})}
        fields: dict[str, object] = {
            "version_label": name, "bucket": "bundles", "key": name, "properties": properties, "instances": 2,
            "policy": "AllAtOnce", "health_path": "/ping", "role_arn": ROLE, "health_interval_s": 2.5,
            "command_timeout_s": 60,
        }  # fmt: skip
        return Deployment(**{**fields, **changes})  # type: ignore[arg-type]

    @contextmanager
    def fleet(self, name: str = "toy-blue") -> Iterator[Fleet]:
        """Make a fleet that is gone afterwards, with all that it had."""
        fleet = Fleet(self.host, SCOPE, name, "e-toytoytoyt", lambda *event: self.said.append(event))
        try:
            yield fleet
        finally:
            fleet.kill()
            assert not list(self.fleets.iterdir())
