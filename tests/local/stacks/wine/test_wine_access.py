"""Who may ask wine: everybody, those whom IAM lets, those with a key; and how often."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from client import AccessDenied, Client
from slipway.curl_line import curl_line
from slipway.functions import alias_version, published
from slipway.verify import client_for
from tests.local.api import Api

BODY, HEADERS = '{"data": ".10"}', {"Content-Type": "application/json"}
ANSWER = b'{"prediction": "1"}'


@pytest.fixture(scope="module", autouse=True)
def open_again(wine):
    yield
    wine.redeploy("wine")


def ask(api, **headers):
    return api.send("POST", "classify", BODY, HEADERS | headers)


def error_of(answer):
    error = answer.json["error"]
    assert error["message"] and error["hint"] and error["request_id"]
    return answer.status, error["code"]


def run_line(wine, line):
    """Run a line in a shell that knows of AWS no more than a person's does, and `slipway`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(wine.project.root)}
    script = f"source {sys.prefix}/bin/activate\n{line}"
    return subprocess.run(
        ["bash", "-ec", script],
        cwd=wine.project.root, env=environment, capture_output=True, timeout=60, check=True,
    ).stdout  # fmt: skip


def line_of(wine):
    return curl_line(wine.aws.outputs("wine"), "us-east-1", [0.1], classifies=True, local=True)


def test_on_this_machine_everybody_may_ask_and_the_curl_line_works_as_it_is(wine):
    assert wine.aws.outputs("wine")["ApiAuth"] == "none"
    assert run_line(wine, line_of(wine)) == ANSWER


def test_with_iam_only_signed_requests_get_in(wine):
    outputs = wine.aws.outputs("wine")
    before = alias_version(wine.aws, outputs)
    replay = wine.redeploy("wine", **{"wine.serve.auth": "iam"})["champion"]
    api = Api(outputs["ApiUrl"])

    assert replay.agreement == 1.0
    # A setting alone makes another version, of the same model.
    held = {version.name: version for version in published(wine.aws, outputs)}
    assert not held[before].current
    now = held[alias_version(wine.aws, outputs)]
    assert now.current and now.model_version == held[before].model_version
    assert error_of(ask(api)) == (403, "missing_authentication_token")
    wrong = api.signed("POST", "classify", BODY, keys=(api.keys[0], "another"), headers=HEADERS)
    assert error_of(wrong) == (403, "invalid_signature")
    assert api.signed("POST", "classify", BODY, headers=HEADERS).body == ANSWER
    assert error_of(api.send("GET", "openapi.json"))[0] == 403
    assert run_line(wine, line_of(wine)) == ANSWER


def test_a_key_opens_the_api_until_its_plan_is_used_up(wine):
    context = {
        "wine.serve.auth": "api_key",
        "wine.serve.throttle_rate": "20",
        "wine.serve.throttle_burst": "60",
        "wine.serve.quota_per_day": "1000",
    }
    replay = wine.redeploy("wine", **context)["champion"]
    outputs = wine.aws.outputs("wine")
    api = Api(outputs["ApiUrl"])
    found = wine.aws.client("apigateway").get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)
    key = {"x-api-key": found["value"]}

    assert replay.agreement == 1.0
    assert found["value"] not in str(outputs)
    assert error_of(ask(api))[0] == 403
    assert error_of(ask(api, **{"x-api-key": "guessed-guessed-guessed"}))[0] == 403
    assert ask(api, **key).body == ANSWER
    assert run_line(wine, line_of(wine)) == ANSWER

    answers = [ask(api, **key) for _ in range(300)]
    refused = [answer for answer in answers if answer.status != 200]
    assert 100 < len(refused) < len(answers)
    assert {error_of(answer) for answer in refused} == {(429, "throttled")}
    assert min(int(answer.headers["retry-after"]) for answer in refused) >= 1


def test_the_typed_client_is_told_of_a_wrong_key(wine):
    wrong = Client.from_outputs(
        "wine", "local", session=wine.aws.session, endpoint_url=wine.aws.endpoint_url, api_key="x" * 20
    )

    with pytest.raises(AccessDenied):
        wrong.predict([[0.1]])
    assert client_for(wine.aws, "wine").predict([[0.1]]) == [1]
