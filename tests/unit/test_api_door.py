"""The client's way over HTTPS, against a server that answers what it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from client import (
    AccessDenied,
    ApiDoor,
    Client,
    ClientError,
    EndpointNotFound,
    ModelFailed,
    RequestRefused,
    Unavailable,
)
from slipway.ports import free_port

KEYS = Credentials("AKIDEXAMPLE", "secret", "token")
ROWS = [[0.1]]


@dataclass
class Api:
    """What the server answers, in this order, the last one for ever; and what it was asked."""

    url: str
    answers: list[tuple[int, bytes]]
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def client(self, **guard: object) -> Client:
        return Client("wine", ApiDoor(self.url, pause=self.pauses.append, **guard), "0123456789ab")


@pytest.fixture
def api() -> Iterator[Api]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.asked.append((self.path, dict(self.headers), body))
            status, content = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]
            self.send_response(status)
            self.send_header("X-Slipway-Model-Version", "ba9876543210")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found = Api(f"http://127.0.0.1:{server.server_port}/local", [(200, b'["1"]')])
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def error(code: str, **members: object) -> bytes:
    return json.dumps({"error": {"code": code, "message": f"it is {code}", **members}}).encode()


def test_rows_are_posted_to_predict_and_the_answer_names_the_version_that_gave_it(api):
    client = api.client()

    assert client.predict(ROWS) == ["1"]
    assert client.answer(b"[[0.1]]", "application/json").version == "ba9876543210"
    path, headers, body = api.asked[0]
    assert (path, body) == ("/local/predict", b"[[0.1]]")
    assert not {"Authorization", "x-api-key"} & set(headers)


def test_with_credentials_a_request_is_signed_for_the_api_of_the_region(api):
    api.client(credentials=KEYS, region="eu-west-1").predict(ROWS)

    path, headers, body = api.asked[0]
    assert "/eu-west-1/execute-api/aws4_request" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "token"
    again = AWSRequest("POST", api.url + "/predict", {"Accept": headers["Accept"]}, body)
    again.headers["Content-Type"] = headers["Content-Type"]
    again.context["timestamp"] = headers["X-Amz-Date"]
    signer = SigV4Auth(KEYS, "execute-api", "eu-west-1")
    again.headers["X-Amz-Date"], again.headers["X-Amz-Security-Token"] = headers["X-Amz-Date"], "token"
    signature = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert headers["Authorization"].endswith(f"Signature={signature}")
    assert path == "/local/predict"


def test_a_key_goes_along_where_the_api_wants_one(api):
    api.client(key="k" * 20).predict(ROWS)

    assert api.asked[0][1]["x-api-key"] == "k" * 20


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_again_after_a_pause_that_nobody_shares(api, status):
    api.answers = [(status, error("throttled")), (status, b""), (200, b'["1"]')]

    assert api.client().predict(ROWS) == ["1"]
    assert len(api.asked) == 3
    assert 0 <= api.pauses[0] < 1 and 0 <= api.pauses[1] < 2


@pytest.mark.parametrize(
    ("status", "body", "kind", "attempts"),
    [
        (429, error("throttled"), Unavailable, 4),
        (429, error("quota_exceeded"), Unavailable, 1),
        (503, b"", Unavailable, 4),
        (502, error("bad_gateway", request_id="r-1"), ModelFailed, 4),
        (504, error("integration_timeout"), ModelFailed, 4),
        (500, error("internal", request_id="r-1"), ModelFailed, 1),
        (424, error("model_error"), ModelFailed, 1),
        (403, error("missing_authentication_token"), AccessDenied, 1),
        (404, b"[]", EndpointNotFound, 1),
        (413, b"too large", RequestRefused, 1),
    ],
)
def test_a_failure_has_a_type_and_only_what_may_pass_is_tried_again(api, status, body, kind, attempts):
    api.answers = [(status, body)]

    with pytest.raises(ClientError) as caught:
        api.client().predict(ROWS)

    assert type(caught.value) is kind
    assert len(api.asked) == attempts
    if b"request_id" in body:
        assert "r-1" in str(caught.value)


def test_a_refused_row_is_named(api):
    api.answers = [(400, error("not_a_number", row=2, column="alcohol", hint="Send a number."))]

    with pytest.raises(RequestRefused) as caught:
        api.client().predict(ROWS)

    found = caught.value
    assert (found.code, found.row, found.column, found.hint) == (
        "not_a_number",
        2,
        "alcohol",
        "Send a number.",
    )


def test_where_nobody_listens_the_client_gives_up_after_four_attempts():
    pauses: list[float] = []
    door = ApiDoor(f"http://127.0.0.1:{free_port()}/local/", pause=pauses.append)

    with pytest.raises(Unavailable, match="could not be reached"):
        door.invoke(b"[]", "application/json", "application/json")

    assert len(pauses) == 3


def test_a_variant_cannot_be_asked_for_over_the_api(api):
    with pytest.raises(ClientError, match="SageMaker Runtime"):
        api.client().answer(b"[]", "application/json", variant="champion")


@pytest.mark.parametrize(
    ("outputs", "door", "name"),
    [
        ({"EndpointName": "e"}, None, "SageMaker Runtime"),
        ({"FunctionName": "f", "ApiUrl": "http://127.0.0.1/", "ApiAuth": "none"}, None, "API Gateway"),
        (
            {"EndpointName": "e", "ApiUrl": "http://127.0.0.1/", "ApiAuth": "none"},
            None,
            "SageMaker Runtime",
        ),
        ({"EndpointName": "e", "ApiUrl": "http://127.0.0.1/", "ApiAuth": "none"}, "api", "API Gateway"),
        ({"EndpointName": "e"}, "api", None),
        ({"FunctionName": "f", "ApiUrl": "http://127.0.0.1/", "ApiAuth": "none"}, "sagemaker", None),
    ],
)
def test_the_outputs_say_which_doors_a_model_has(tmp_path, monkeypatch, outputs, door, name):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({"slipway-dev-wine": {"ModelVersion": "0123456789ab", **outputs}}))

    if name is None:
        with pytest.raises(EndpointNotFound, match="no output"):
            Client.from_outputs("wine", file=file, door=door)
    else:
        assert Client.from_outputs("wine", file=file, door=door).door.name == name


def test_a_request_does_not_wait_for_an_acknowledgement_between_its_head_and_its_body(api):
    client = api.client()
    client.predict(ROWS)
    started = time.perf_counter()

    for _ in range(20):
        client.predict(ROWS)

    assert (time.perf_counter() - started) / 20 < 0.03, "40 ms is Nagle's algorithm and a delayed ACK"
