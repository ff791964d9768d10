"""What the command line says of a model on Lambda: its versions, its curl line, its cost."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
from pathlib import Path

import pytest

from slipway.commands.rollback import choose
from slipway.curl_line import curl_line
from slipway.errors import NoSuchVersion, SettingsError
from slipway.functions import Held, move_alias, require_endpoint
from slipway.prices import cost, told
from stacks.settings import load_model, load_stage

ROOT = Path(__file__).parents[2]
VERSIONS = [
    Held("4", "dddddddddddd", "2026-11-04", False),
    Held("3", "bbbbbbbbbbbb", "2026-11-03", True),
    Held("2", "bbbbbbbbbbbb", "2026-11-02", False),
    Held("1", "aaaaaaaaaaaa", "2026-11-01", False),
]
URL = "https://abc.execute-api.eu-west-1.amazonaws.com/dev/"


@pytest.mark.parametrize(
    ("to", "name"), [(None, "2"), ("4", "4"), ("aaaaaaaaaaaa", "1"), ("bbbbbbbbbbbb", "3")]
)
def test_a_rollback_goes_to_the_version_before_or_to_the_one_that_is_named(to, name):
    assert choose("wine", VERSIONS, to).name == name


@pytest.mark.parametrize(("versions", "to"), [(VERSIONS, "5"), (VERSIONS[1:2], None), ([], None)])
def test_a_version_that_aws_does_not_hold_is_refused_with_those_it_does(versions, to):
    with pytest.raises(NoSuchVersion) as caught:
        choose("wine", versions, to)

    assert all(version.model_version in caught.value.why for version in versions)


def test_what_only_an_endpoint_has_is_refused_for_a_function():
    require_endpoint("iris", {"EndpointName": "e"}, "variants", "")
    with pytest.raises(SettingsError, match="served by Lambda, which has no transform jobs"):
        require_endpoint("wine", {"FunctionName": "f"}, "transform jobs", "")


def seen_by_curl(line: str, tmp_path: Path) -> list[str]:
    """Run a line with programs that only write down what they are given."""
    for name, script in {
        "curl": f'printf "%s\\n" "$@" >{tmp_path}/seen',
        "slipway": "echo export AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b; echo next >&2",
        "aws": '[ "$1" = configure ] && echo "export AWS_ACCESS_KEY_ID=c AWS_SECRET_ACCESS_KEY=d '
        'AWS_SESSION_TOKEN=e" || echo key-of-"$*"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{script}\n")
        (tmp_path / name).chmod(0o755)
    subprocess.run(["bash", "-ec", line], check=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"})
    return (tmp_path / "seen").read_text().splitlines()


def test_the_curl_line_of_an_open_api_is_one_a_shell_takes_as_it_is(tmp_path):
    outputs = {"ApiUrl": URL, "ApiAuth": "none"}

    seen = seen_by_curl(
        curl_line(outputs, "eu-west-1", [0.1, "it's"], classifies=True, local=False), tmp_path
    )

    assert seen[1] == f"{URL}classify"
    assert json.loads(seen[-1]) == {"data": "0.1,it's"}


@pytest.mark.parametrize(("local", "user", "token"), [(True, "a:b", ""), (False, "c:d", "e")])
def test_the_curl_line_of_a_closed_api_signs_with_the_keys_of_the_place(tmp_path, local, user, token):
    outputs = {"ApiUrl": URL, "ApiAuth": "iam"}

    seen = seen_by_curl(curl_line(outputs, "eu-west-1", [0.1], classifies=False, local=local), tmp_path)

    assert (seen[1], seen[5]) == (f"{URL}predict", "[[0.1]]")
    assert seen[6:] == [
        "--aws-sigv4",
        "aws:amz:eu-west-1:execute-api",
        "--user",
        user,
        "-H",
        f"x-amz-security-token: {token}",
    ]


def test_the_curl_line_with_a_key_has_no_key_in_it(tmp_path):
    outputs = {"ApiUrl": URL, "ApiAuth": "api_key", "ApiKeyId": "k1"}
    line = curl_line(outputs, "eu-west-1", [0.1], classifies=False, local=False)

    assert "--api-key k1" in line
    assert seen_by_curl(line, tmp_path)[-1].startswith("x-api-key: key-of-apigateway get-api-key")
    assert shlex.split(line)[0] == "curl"


def test_the_cost_is_the_sum_of_its_parts_and_says_where_the_prices_are_from():
    model = load_model(ROOT, "wine", {"serve.memory_mb": 1024, "serve.architecture": "arm64"})

    found = cost(model, load_stage(ROOT, "local"))

    assert found.per_million["Lambda 10 ms x 1024 MB arm64"] == pytest.approx(0.133334)
    assert found.total_per_million == pytest.approx(3.50 + 0.20 + 0.133334 + 0.50)
    assert "4.33 USD for a million" in told(found)[0] and "API Gateway 3.50" in told(found)[0]
    assert found.per_month == {}
    assert "Amazon API Gateway pricing" in told(found)[-1]


def test_what_is_billed_without_a_request_is_told_by_the_month():
    model = load_model(ROOT, "wine", {"serve.memory_mb": 1024, "serve.provisioned_concurrency": 2})

    found = cost(model, load_stage(ROOT, "prod"))

    assert found.per_month["provisioned concurrency"] == pytest.approx(2 * 730 * 3600 * 0.0000041667)
    assert found.per_month["WAF"] == 9

    model = load_model(ROOT, "wine", {"serve.memory_mb": 1024, "serve.snap_start": True})
    snapshots = cost(model, load_stage(ROOT, "local")).per_month
    assert snapshots == {"the snapshot of each version": pytest.approx(730 * 3600 * 0.0000015046)}


class MovingAlias:
    """Lambda, where instances that are kept warm take a while."""

    def __init__(self) -> None:
        self.asked = 0

    def client(self, _service, **_settings):
        return self

    def invoke(self, **_call):
        told = {"version": "a" * 12, "answers": [1], "expected": [1], "tolerance": 0.0}
        return {"Payload": io.BytesIO(json.dumps(told).encode())}

    def update_alias(self, **_alias):
        return {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.9}}}

    def get_alias(self, **_alias):
        self.asked += 1
        return {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}} if self.asked < 3 else {}


def test_a_rollback_waits_until_no_request_goes_to_the_version_before():
    aws, waited = MovingAlias(), []
    move_alias(aws, {"FunctionName": "f", "AliasName": "live"}, "1", pause=waited.append)
    assert (aws.asked, len(waited)) == (3, 3)
