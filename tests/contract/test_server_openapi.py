"""schemathesis and hypothesis against the running server: what /openapi.json promises holds."""

from __future__ import annotations

import http.client
import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from tests.server.models import NAMES
from tests.server.process import Reply, Server
from tests.server.requests import ROW, chunked, post
from tests.server.wire import check_error, received, replies

TYPES = ("application/json", "text/csv", "application/jsonlines", "application/x-npy")
POSTS = ("/invocations", "/predict", "/classify", "/probabilities")
CONFORMS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
bounded = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@schemathesis.serializer("application/jsonlines", "application/x-npy")
def as_it_is(_context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def schema_of(server: Server, media_type: str | None = None) -> schemathesis.openapi.OpenApiSchema:
    """Return what the server says about itself; of bodies, those of one media type."""
    value = json.loads(server.ask("GET", "/openapi.json").body)
    for path in {"/invocations", "/predict", "/probabilities"} & value["paths"].keys():
        content = value["paths"][path]["post"]["requestBody"]["content"]
        assert content.keys() == set(TYPES)
        for other in set(TYPES) - {media_type}:
            del content[other]
    return schemathesis.openapi.from_dict(value)


def conforms(server: Server, case: schemathesis.Case) -> schemathesis.Response:
    response = case.call(base_url=f"http://127.0.0.1:{server.port}")
    case.validate_response(response, checks=CONFORMS)
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        headers = {name: values[0] for name, values in response.headers.items()}
        check_error(Reply(response.status_code, headers, response.content))
    return response


@pytest.mark.parametrize("path", ["/invocations", "/predict", "/probabilities"])
def test_every_json_body_that_conforms_is_answered(every_server, path):
    schema = schema_of(every_server, "application/json")
    if path not in list(schema):
        assert every_server.ask("POST", path, b"[[]]").error["code"] == "no_probabilities"
        return
    operation = schema[path]["POST"]

    @bounded
    @given(operation.as_strategy(GenerationMode.POSITIVE))
    def check(case):
        response = conforms(every_server, case)
        # Features beyond all reason can make a regression's answer infinite.
        answerable = response.json() if response.status_code == 400 else {}
        assert response.status_code == 200 or answerable["error"]["code"] == "no_finite_prediction"

    check()


def test_whatever_is_classified_the_answer_conforms(every_server):
    schema = schema_of(every_server)
    if "/classify" not in list(schema):
        assert every_server.ask("POST", "/classify", b"{}").error["code"] == "no_classes"
        return

    @bounded
    @given(schema["/classify"]["POST"].as_strategy(GenerationMode.POSITIVE))
    def check(case):
        conforms(every_server, case)

    check()


@pytest.mark.parametrize("path", ["/invocations", "/classify"])
def test_no_json_body_that_does_not_conform_is_answered(every_server, path):
    schema = schema_of(every_server, "application/json")
    if path not in list(schema):
        return
    operation = schema[path]["POST"]

    @bounded
    @given(operation.as_strategy(GenerationMode.NEGATIVE))
    def check(case):
        assert conforms(every_server, case).status_code >= 400

    check()


@pytest.mark.parametrize("media_type", TYPES[1:])
def test_whatever_the_body_the_answer_conforms(every_server, media_type):
    operation = schema_of(every_server, media_type)["/invocations"]["POST"]

    @bounded
    @given(operation.as_strategy(GenerationMode.POSITIVE))
    def check(case):
        conforms(every_server, case)

    check()


def test_what_is_read_conforms(every_server):
    schema = schema_of(every_server)
    for path in ("/", "/openapi.json", "/ping", "/metrics"):
        case = schema[path]["GET"].Case()
        assert conforms(every_server, case).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST", "PROPFIND"])
@pytest.mark.parametrize("path", [*POSTS, "/ping", "/metrics", "/openapi.json", "/", "/x"])
def test_a_wrong_path_or_method_has_the_shape_of_errors(logistic, method, path):
    right = "POST" if path in POSTS else "GET"
    if method == right and path != "/x":
        return
    reply = logistic.ask(method, path, content_type="text/csv")

    check_error(reply)
    if path == "/x":
        assert reply.status == 404
    else:
        assert reply.status == 405
        assert right in reply.headers["allow"]


BODY = st.one_of(
    st.sampled_from(
        [ROW, f"{ROW}\n{ROW}|{ROW}\n", f"[[{ROW}]]", f'{{"instances": [[{ROW}]]}}', "", " ", "1,2", "x"]
    ),
    st.lists(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=5), max_size=4).map(json.dumps),
    st.fixed_dictionaries({name: st.integers(-9, 9) for name in NAMES}).map(json.dumps),
    st.lists(st.sampled_from([ROW, "\n", "|", ",", "nan", "1e40", "7", '"'])).map("".join),
    st.text(max_size=30),
).map(str.encode)
HEADER = st.sampled_from(
    [
        "",
        "*/*",
        *TYPES,
        "image/png",
        "TEXT/CSV; charset=utf-8",
        "text/csv;q=0.1, application/x-npy",
        "a" * 3000,
    ]
)


def test_both_ways_through_the_server_give_the_same_answers(any_server):
    """The short way is left by chunks, by Expect, by another path, and while a request is being answered."""

    @settings(bounded, max_examples=120)
    @given(BODY | st.binary(max_size=40), HEADER, HEADER)
    def check(body, content_type, accept):
        fields = [
            f"{name}: {value}"
            for name, value in (("Content-Type", content_type), ("Accept", accept))
            if value
        ]
        forms = (
            post(body, *fields),
            post(chunked(body), *fields, "Transfer-Encoding: chunked"),
            post(body, *fields, "Expect: 100-continue"),
            post(body, *fields, path="/invocations?"),
            post(body, *fields, path="/predict"),
            post(body, *fields, "Connection: close"),
        )
        with any_server.connect() as connection:
            connection.sendall(b"".join(forms))
            found = replies(received(connection))
        assert len(found) == len(forms)
        *answers, last = [(reply.status, sorted(reply.headers.items()), reply.body) for reply in found]
        assert all(answer == answers[0] for answer in answers)
        assert last == (answers[0][0], sorted([*answers[0][1], ("connection", "close")]), answers[0][2]) or (
            last == answers[0]  # the short way closes and says so by closing
        )
        if found[0].status >= 400:
            check_error(found[0])

    check()


def test_keep_alive_goes_on_after_every_refusal(any_server):
    connection = http.client.HTTPConnection("127.0.0.1", any_server.port, timeout=10)
    for body, content_type in ((b"x", "text/csv"), (b"", "text/csv"), (ROW, "image/png"), (ROW, "text/csv")):
        connection.request("POST", "/invocations", body, {"Content-Type": content_type})
        before = connection.sock
        reply = connection.getresponse()
        reply.read()
        assert connection.sock is before
    assert reply.status == 200
