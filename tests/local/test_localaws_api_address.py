"""Where an API of a stack answers on the embedded AWS, and whom its events name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localaws.control import LocalAws
from tests.local.api import Api, deploy, destroy, function, method, proxy, template
from tests.local.conftest import Boto

ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event)}
"""


@pytest.fixture(scope="module")
def api(boto: Boto) -> Iterator[Api]:
    parts = (
        function(ECHO),
        method("", "GET", proxy()),
        method("predict", "POST", proxy()),
        method("closed", "POST", proxy(), AuthorizationType="AWS_IAM"),
    )
    yield deploy(boto, "address", template(*parts))
    destroy(boto, "address")


def test_the_address_in_outputs_and_parameters_is_one_of_this_machine(
    api: Api, boto: Boto, local_aws: LocalAws
) -> None:
    server = local_aws.server()
    assert server is not None

    assert api.url == f"{server.url}/restapis/{api.id}/local/_user_request_/"
    parameter = boto("ssm").get_parameter(Name="/address/ApiUrl")["Parameter"]["Value"]
    assert parameter == api.url


@pytest.mark.parametrize("path", ["", "predict", "predict/"])
def test_paths_answer_with_and_without_a_slash_behind_them(api: Api, path: str) -> None:
    answer = api.send("POST" if path else "GET", path)

    assert answer.status == 200
    assert answer.json["resource"] == "/" + path.rstrip("/")


def test_the_root_answers_without_its_slash(api: Api) -> None:
    assert Api(api.url.rstrip("/")).send("GET").status == 200


def test_a_request_signed_for_the_address_passes(api: Api) -> None:
    answer = api.signed("POST", "closed", b'{"a": 1}')

    assert answer.status == 200
    assert answer.json["body"] == '{"a": 1}'
