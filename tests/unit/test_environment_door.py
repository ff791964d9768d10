"""The client's way to a load balancer, against a small server of its own, in the clear and with TLS."""

from __future__ import annotations

import datetime
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from client import (
    Client,
    ClientError,
    EndpointNotFound,
    EnvironmentDoor,
    ModelFailed,
    RequestRefused,
    Unavailable,
)
from slipway.ports import free_port

ROWS = [[5.1, 3.5, 1.4, 0.2]]
DOMAIN = "forest.example.com"


class Balancer(ThreadingHTTPServer):
    """Answers what it is told to, in this order, the last one for ever; and knows what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, bytes]] = [(200, b"[0]")]
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.connections = 0
        self.drop_after_next = False

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Balancer

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, dict(self.headers), body))
        answers = self.server.answers
        status, content = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.send_header("X-Slipway-Model-Version", "ba9876543210")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        if self.server.drop_after_next:
            self.server.drop_after_next, self.close_connection = False, True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def balancer() -> Iterator[Balancer]:
    with Balancer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def certified(balancer, tmp_path, monkeypatch) -> Balancer:
    """The same, with a certificate for DOMAIN from an authority that this machine trusts."""
    file = tmp_path / "certificate.pem"
    file.write_bytes(certificate_for(DOMAIN))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    balancer.socket = context.wrap_socket(balancer.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return balancer


def certificate_for(domain: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(pem)


def client(url: str, pauses: list[float] | None = None, **given: object) -> Client:
    pause = ([] if pauses is None else pauses).append
    return Client("iris_forest", EnvironmentDoor(url, pause=pause, **given), "0123456789ab")


def test_rows_are_posted_to_predict_and_the_answer_names_the_version_that_gave_it(balancer):
    asking = client(f"http://{balancer.place}/")

    assert asking.predict(ROWS) == [0]
    assert asking.answer(b"[[1]]", "application/json").version == "ba9876543210"
    path, headers, body = balancer.asked[0]
    assert (path, body) == ("/predict", b"[[5.1, 3.5, 1.4, 0.2]]")
    assert headers["Host"] == balancer.place
    assert not {"Authorization", "x-api-key"} & set(headers)


def test_requests_share_a_connection_and_none_waits_for_an_acknowledgement(balancer):
    asking = client(f"http://{balancer.place}/")
    asking.predict(ROWS)
    started = time.perf_counter()

    for _ in range(20):
        asking.predict(ROWS)

    assert (time.perf_counter() - started) / 20 < 0.03, "40 ms is Nagle's algorithm and a delayed ACK"
    assert balancer.connections == 1


def test_a_connection_that_the_load_balancer_closed_meanwhile_is_opened_again(balancer):
    asking = client(f"http://{balancer.place}/")
    balancer.drop_after_next = True

    assert [asking.predict(ROWS) for _ in range(2)] == [[0], [0]]
    assert balancer.connections == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_again(balancer, status):
    balancer.answers, pauses = [(status, b"<html>"), (200, b"[0]")], []

    assert client(f"http://{balancer.place}/", pauses).predict(ROWS) == [0]
    assert len(pauses) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind", "attempts"),
    [
        (503, b"<html>503 Service Temporarily Unavailable</html>", Unavailable, 4),
        (502, b"<html>502 Bad Gateway</html>", ModelFailed, 4),
        (500, b'{"error": {"code": "internal", "message": "no"}}', ModelFailed, 1),
        (404, b"{}", EndpointNotFound, 1),
        (413, b"<html>413 Request Entity Too Large</html>", RequestRefused, 1),
    ],
)
def test_a_failure_has_a_type_and_only_what_may_pass_is_tried_again(balancer, status, body, kind, attempts):
    balancer.answers = [(status, body)]

    with pytest.raises(ClientError) as caught:
        client(f"http://{balancer.place}/").predict(ROWS)

    assert type(caught.value) is kind
    assert len(balancer.asked) == attempts


def test_where_nobody_listens_the_client_gives_up_after_four_attempts():
    pauses: list[float] = []

    with pytest.raises(Unavailable, match="could not be reached"):
        client(f"http://127.0.0.1:{free_port()}/", pauses).predict(ROWS)

    assert len(pauses) == 3


def test_the_certificate_is_verified_for_the_domain_whatever_name_is_connected_to(certified):
    asking = client(f"https://{DOMAIN}/", connect_to=certified.place)

    assert asking.predict(ROWS) == [0]
    assert certified.asked[0][1]["Host"] == DOMAIN


def test_a_certificate_for_another_domain_is_refused(certified):
    with pytest.raises(Unavailable, match=r"other\.example\.com' doesn't match"):
        client("https://other.example.com/", connect_to=certified.place).predict(ROWS)

    assert certified.asked == []


def test_a_certificate_from_nobody_that_is_trusted_is_refused(certified, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(Unavailable, match="certificate"):
        client(f"https://{DOMAIN}/", connect_to=certified.place).predict(ROWS)


def test_a_variant_cannot_be_asked_for(balancer):
    with pytest.raises(ClientError, match="Elastic Beanstalk does not choose a variant"):
        client(f"http://{balancer.place}/").answer(b"[]", "application/json", variant="champion")


@pytest.mark.parametrize("by_cname", [False, True])
def test_the_outputs_say_where_an_environment_is(balancer, tmp_path: Path, monkeypatch, by_cname):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    file = tmp_path / "outputs.json"
    # Only with by_cname the place is another than the address.
    address = f"http://127.0.0.1:{free_port()}/" if by_cname else f"http://{balancer.place}/"
    outputs = {"ModelVersion": "0123456789ab", "EnvironmentUrl": address, "EnvironmentCname": balancer.place}
    file.write_text(json.dumps({"slipway-dev-iris-forest": outputs}))

    found = Client.from_outputs("iris_forest", file=file, by_cname=by_cname)

    assert found.door.name == "Elastic Beanstalk"
    assert found.predict(ROWS) == [0]
    with pytest.raises(EndpointNotFound, match="no output ApiUrl"):
        Client.from_outputs("iris_forest", file=file, door="api")
