"""A small AWS for functions of a deploy: Beanstalk, CloudFormation, a model, and what is answered."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest

Asked = dict[str, str]


class Aws:
    """Two environments behind one address; `asked` has every call, `told` what CloudFormation is answered."""

    environments: dict[str, dict[str, Any]]
    events: list[dict[str, str]]
    properties: dict[str, str]
    asked: list[Asked]
    rows: list[Any]
    told: list[dict[str, Any]]
    objects: set[str]
    has_bucket: bool
    groups: set[str]
    stack_status: str
    denied: set[str]
    model: Callable[[list[Any]], tuple[int, Any]]
    before: Callable[[Asked], None]

    def __init__(self) -> None:
        self.forget()
        aws = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if self.path == "/predict":
                    (row,) = json.loads(body)
                    aws.rows.append(row)
                    status, answer = aws.model(row)
                    self._send(status, json.dumps(answer).encode())
                    return
                if target := self.headers.get("X-Amz-Target"):
                    self._send(200, json.dumps(aws.logs(target.partition(".")[2], json.loads(body))).encode())
                    return
                if self.path.endswith("?delete"):
                    keys = {
                        str(key.text)
                        for key in ElementTree.fromstring(body).iter()
                        if key.tag.endswith("Key")
                    }
                    aws.objects -= keys
                    self._send(200, b"<DeleteResult/>")
                    return
                asked = dict(parse_qsl(body))
                aws.asked.append(asked)
                aws.before(asked)
                if asked["Action"] in aws.denied:
                    error = "<Error><Code>AccessDenied</Code><Message>no right</Message></Error>"
                    self._send(403, f"<ErrorResponse>{error}</ErrorResponse>".encode())
                    return
                self._send(200, aws.answer(asked).encode())

            def do_GET(self) -> None:
                """List a bucket."""
                if not aws.has_bucket:
                    self._send(404, b"<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>")
                    return
                asked = dict(parse_qsl(self.path.partition("?")[2]))
                keys = [key for key in aws.objects if key.startswith(asked["prefix"])]
                found = [f"<Contents><Key>{key}</Key></Contents>" for key in keys]
                if "delimiter" in asked:
                    below = {key[: key.index("/", len(asked["prefix"])) + 1] for key in keys}
                    found = [f"<CommonPrefixes><Prefix>{key}</Prefix></CommonPrefixes>" for key in below]
                self._send(200, f"<ListBucketResult>{''.join(found)}</ListBucketResult>".encode())

            def do_PUT(self) -> None:
                aws.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._send(200, b"")

            def _send(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._handler = Handler
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"

    @contextmanager
    def second(self, context: ssl.SSLContext) -> Iterator[str]:
        """Answer with TLS at another address, too, which is given."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with _serving(server):
            yield f"127.0.0.1:{server.server_port}"

    def forget(self) -> None:
        """Be as new."""
        self.environments, self.events, self.properties = {}, [], {}
        self.asked, self.rows, self.told = [], [], []
        self.objects, self.has_bucket, self.groups = set(), True, set()
        self.stack_status, self.denied = "UPDATE_IN_PROGRESS", set()
        self.model = lambda row: (200, ["setosa"])
        self.before = lambda asked: None

    def add(self, name: str, **changed: Any) -> None:
        """Put an environment there, healthy."""
        self.environments[name] = {
            "EnvironmentName": name,
            "EnvironmentId": f"e-{name[-5:]:a>10}".replace("-", "b"),
            "Status": "Ready",
            "Health": "Green",
            "HealthStatus": "Ok",
            "VersionLabel": "v1",
            "CNAME": f"{name}.example.com",
            "EndpointURL": self.address,
            **changed,
        }

    def logs(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a call of CloudWatch Logs."""
        if operation == "DeleteLogGroup":
            self.groups.remove(asked["logGroupName"])
            return {}
        found = [name for name in sorted(self.groups) if name.startswith(asked["logGroupNamePrefix"])]
        return {"logGroups": [{"logGroupName": name} for name in found]}

    def actions(self) -> list[str]:
        """Return the calls in their order."""
        return [asked["Action"] for asked in self.asked]

    def answer(self, asked: Asked) -> str:
        """Return the answer to a call, as XML."""
        action = asked["Action"]
        names = {value for key, value in asked.items() if key.startswith("EnvironmentNames.member.")}
        result = ""
        if action == "DescribeStacks":
            stack = {
                "StackName": "s",
                "CreationTime": "2026-01-01T00:00:00Z",
                "StackStatus": self.stack_status,
            }
            result = f"<Stacks>{_member(stack)}</Stacks>"
        elif action == "DescribeEnvironments":
            deleted = asked["IncludeDeleted"] == "true"
            found = [
                environment
                for name, environment in self.environments.items()
                if name in names and (deleted or environment["Status"] != "Terminated")
            ]
            result = f"<Environments>{''.join(map(_member, found))}</Environments>"
        elif action == "DescribeConfigurationSettings":
            namespace = "aws:elasticbeanstalk:application:environment"
            options = [
                {"Namespace": namespace, "OptionName": name, "Value": value}
                for name, value in self.properties.items()
            ]
            inner = f"<OptionSettings>{''.join(map(_member, options))}</OptionSettings>"
            result = f"<ConfigurationSettings><member>{inner}</member></ConfigurationSettings>"
        elif action == "DescribeEvents":
            result = f"<Events>{''.join(map(_member, self.events))}</Events>"
        elif action == "SwapEnvironmentCNAMEs":
            first, second = (
                self.environments[asked[key]]
                for key in ("SourceEnvironmentName", "DestinationEnvironmentName")
            )
            first["CNAME"], second["CNAME"] = second["CNAME"], first["CNAME"]
        metadata = "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
        return f"<{action}Response><{action}Result>{result}</{action}Result>{metadata}</{action}Response>"


def _member(values: dict[str, Any]) -> str:
    return (
        f"<member>{''.join(f'<{key}>{escape(str(value))}</{key}>' for key, value in values.items())}</member>"
    )


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running() -> Iterator[Aws]:
    """Serve until the end, with the environment that a function has on Lambda."""
    aws = Aws()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{aws.address}",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    with pytest.MonkeyPatch.context() as patched, _serving(aws.server):
        for name, value in environment.items():
            patched.setenv(name, value)
        yield aws
