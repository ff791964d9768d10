"""A small AWS for functions of a deploy: Beanstalk, CloudFormation, a model, and what is answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import pytest

Asked = dict[str, str]


class Aws:
    """Two environments behind one address; `asked` has every call, `told` what CloudFormation is answered."""

    environments: dict[str, dict[str, Any]]
    events: list[dict[str, str]]
    asked: list[Asked]
    rows: list[Any]
    told: list[dict[str, Any]]
    stack_status: str
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
                asked = dict(parse_qsl(body))
                aws.asked.append(asked)
                aws.before(asked)
                self._send(200, aws.answer(asked).encode())

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

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"

    def forget(self) -> None:
        """Be as new."""
        self.environments, self.events = {}, []
        self.asked, self.rows, self.told = [], [], []
        self.stack_status = "UPDATE_IN_PROGRESS"
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
def running() -> Iterator[Aws]:
    """Serve until the end, with the environment that a function has on Lambda."""
    aws = Aws()
    thread = threading.Thread(target=aws.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{aws.address}",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment.items():
            patched.setenv(name, value)
        try:
            yield aws
        finally:
            aws.server.shutdown()
            thread.join()
            aws.server.server_close()
