"""wine on Lambda behind API Gateway: every form of a question, and every mistake in one shape."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from slipway.verify import client_for, replay_golden_rows
from tests.local.api import Api
from tests.local.stacks.log_groups import everything_logged
from training.artifact import load_artifact

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
CONFORMS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
# The throttle is for 50 requests a second.
bounded = settings(
    max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def api(wine) -> Api:
    return Api(wine.aws.outputs("wine")["ApiUrl"])


def post(api, path, body, content_type=JSON, **headers):
    return api.send("POST", path, body, {"Content-Type": content_type, **headers})


def test_a_line_of_csv_is_classified_exactly_so(api):
    answer = post(api, "classify", '{"data": ".10"}')

    assert (answer.status, answer.body) == (200, b'{"prediction": "1"}')
    assert answer.headers["content-type"] == JSON


def test_the_answer_names_the_model_that_gave_it(wine, api):
    version = load_artifact(wine.project.root, "wine").version

    assert post(api, "classify", '{"data": ".10"}').headers["x-slipway-model-version"] == version


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "answer"),
    [
        ("[[0.1], [14.2]]", JSON, JSON, b"[1, 0]"),
        ('[{"alcohol": 0.1}]', JSON, "*/*", b"[1]"),
        ('{"instances": [[0.1], [14.2]]}', JSON, JSON, b'{"predictions": [1, 0]}'),
        ("0.1\n14.2\n", CSV, CSV, b"1\n0\n"),
        ('{"alcohol": 0.1}\n{"alcohol": 14.2}\n', "application/jsonlines", JSON, b"[1, 0]"),
    ],
)
def test_predict_takes_rows_in_every_form(api, body, content_type, accept, answer):
    found = post(api, "predict", body, content_type, Accept=accept)

    assert (found.status, found.body) == (200, answer)


def test_predict_takes_and_gives_numpys_own_format(api):
    given_rows = io.BytesIO()
    np.save(given_rows, np.array([[0.1], [14.2]]))

    found = post(api, "predict", given_rows.getvalue(), NPY, Accept=NPY)

    assert found.status == 200, found.body
    assert np.load(io.BytesIO(found.body)).tolist() == [1, 0]


def test_probabilities_name_every_class(api):
    found = post(api, "probabilities", "[[0.1]]").json

    assert found["predictions"] == [1]
    assert set(found["probabilities"][0]) == {"0", "1", "2"}
    assert sum(found["probabilities"][0].values()) == pytest.approx(1)


def test_the_alias_answers_boto3_as_the_api_does(wine):
    outputs = wine.aws.outputs("wine")
    event = {
        "httpMethod": "POST",
        "resource": "/classify",
        "path": "/classify",
        "headers": {"Content-Type": JSON},
        "body": '{"data": ".10"}',
        "isBase64Encoded": False,
        "requestContext": {"requestId": "by-hand"},
    }

    answer = wine.aws.client("lambda").invoke(
        FunctionName=outputs["FunctionName"], Qualifier="live", Payload=json.dumps(event).encode()
    )
    told = json.loads(answer["Payload"].read())

    assert (told["statusCode"], told["body"]) == (200, '{"prediction": "1"}')
    assert answer["ExecutedVersion"].isdigit()


def test_every_golden_row_agrees_through_the_typed_client(wine):
    artifact = load_artifact(wine.project.root, "wine")
    client = client_for(wine.aws, "wine")

    replay = replay_golden_rows(client, artifact, latency_calls=3)

    assert (replay.agreement, replay.door) == (1.0, "API Gateway")
    assert client.predict([{"alcohol": 0.1}]) == [1]


@pytest.mark.parametrize(
    ("path", "body", "content_type", "status", "code", "members"),
    [
        ("predict", "", JSON, 400, "bad_request_body", {}),
        ("predict", "{", JSON, 400, "bad_request_body", {}),
        ("predict", '"text"', JSON, 400, "bad_request_body", {}),
        ("predict", "[[1, 2, 3]]", JSON, 400, "bad_request_body", {}),
        ("predict", '[[0.1], ["much"]]', JSON, 400, "not_a_number", {"row": 2, "column": "alcohol"}),
        ("predict", "[[]]", JSON, 400, "wrong_column_count", {"row": 1}),
        ("predict", '[["\\u00e9\\ud83c\\udf77"]]', JSON, 400, "not_a_number", {"row": 1}),
        ("predict", "0.1\nx\n", CSV, 400, "not_a_number", {"row": 2, "column": "alcohol"}),
        ("predict", b"\x00\xff\xfe", CSV, 400, None, {}),
        ("predict", "[[0.1]]", "image/png", 415, "unsupported_media_type", {}),
        ("classify", '{"dat": ".10"}', JSON, 400, "bad_request_body", {}),
        ("classify", '{"data": "1|2"}', JSON, 400, "not_one_row", {}),
        ("nothing", "[[0.1]]", JSON, 403, "missing_authentication_token", {}),
    ],
)
def test_a_mistake_is_told_in_the_one_shape(api, path, body, content_type, status, code, members):
    answer = post(api, path, body, content_type)
    error = answer.json["error"]

    assert answer.status == status, answer.body
    assert code in (None, error["code"])
    assert error["message"] and error["hint"]
    assert members.items() <= error.items()


def test_a_body_that_is_too_large_is_told_so(api):
    # Beyond 10 MB API Gateway answers by itself, and lets nobody choose the words.
    for megabytes, told in ((5, b'{"error"'), (11, b"HTTP content length exceeded")):
        answer = post(api, "predict", "0.1\n" * (megabytes * 1024 * 1024 // 4), CSV)

        assert (answer.status, answer.body[: len(told)]) == (413, told)


@pytest.mark.parametrize("accept", ["image/png", "text/html"])
def test_an_accept_that_is_not_served_is_a_406(api, accept):
    assert post(api, "predict", "[[0.1]]", Accept=accept).status == 406


def test_no_log_holds_what_was_sent(wine, api):
    canary, since = 731.8264935, time.time()
    for path, body in (
        ("predict", f"[[{canary}]]"),
        ("predict", f'[[{canary}], ["{canary}x"]]'),
        ("classify", f'{{"data": "{canary}"}}'),
        ("classify", f'{{"dat": "{canary}"}}'),
    ):
        post(api, path, body)

    logged = everything_logged(wine.aws, since, until=lambda text: text.count('"/classify"') >= 1)
    assert "request_id" in logged or "requestId" in logged
    assert str(canary)[:8] not in logged


@pytest.mark.parametrize("path", ["/predict", "/classify", "/probabilities"])
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_whatever_is_sent_the_answer_is_one_that_the_description_names(api, path, mode):
    described = api.send("GET", "openapi.json").json
    content = described["paths"][path]["post"]["requestBody"]["content"]
    for other in set(content) - {JSON}:
        del content[other]
    operation = schemathesis.openapi.from_dict(described)[path]["POST"]

    @bounded
    @given(operation.as_strategy(mode))
    def check(case):
        response = case.call(base_url=api.url.rstrip("/"))
        if response.status_code != 429:
            case.validate_response(response, checks=CONFORMS)
        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            assert set(response.json()) == {"error"}

    check()
