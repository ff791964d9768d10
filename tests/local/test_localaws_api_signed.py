"""Whom a method with AWS_IAM lets in on the embedded AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from localaws.control import ACCOUNT, REGION
from tests.local.api import Api, deploy, destroy, template
from tests.local.api_echo import error, parts
from tests.local.conftest import Boto
from tests.local.toy import allow


@pytest.fixture(scope="module")
def api(boto: Boto) -> Iterator[Api]:
    yield deploy(boto, "signed", template(*parts()))
    destroy(boto, "signed")


@pytest.fixture(scope="module")
def caller(boto: Boto, api: Api) -> Iterator[tuple[str, str]]:
    """Keys of a user who may call POST /iam of this stage alone."""
    iam = boto("iam")
    iam.create_user(UserName="api-caller")
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/local/POST/iam"
    policy = json.dumps({"Statement": [allow(["execute-api:Invoke"], arn)]})
    iam.put_user_policy(UserName="api-caller", PolicyName="call", PolicyDocument=policy)
    key = iam.create_access_key(UserName="api-caller")["AccessKey"]
    yield key["AccessKeyId"], key["SecretAccessKey"]
    iam.delete_access_key(UserName="api-caller", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="api-caller", PolicyName="call")
    iam.delete_user(UserName="api-caller")


def test_an_unsigned_request_to_a_closed_method_is_403(api: Api) -> None:
    answer = api.send("POST", "iam", b"[]")

    assert answer.status == 403
    assert error(answer)["message"] == "Missing Authentication Token"


def test_a_caller_whom_iam_lets_is_named_in_the_event(api: Api, caller: tuple[str, str]) -> None:
    answer = api.signed("POST", "iam", b"[1]", caller)

    assert answer.status == 200
    identity = answer.json["requestContext"]["identity"]
    assert identity["userArn"] == f"arn:aws:iam::{ACCOUNT}:user/api-caller"
    assert identity["accessKey"] == caller[0]


def test_a_wrong_secret_and_an_unknown_key_are_403(api: Api, caller: tuple[str, str]) -> None:
    forged = api.signed("POST", "iam", b"[1]", (caller[0], "guessed"))
    forged_root = api.signed("POST", "iam", b"[1]", (api.keys[0], "guessed"))
    unknown = api.signed("POST", "iam", b"[1]", ("AKIAUNKNOWNUNKNOWN12", "x"))

    assert (forged.status, forged_root.status, unknown.status) == (403, 403, 403)
    assert api.signed("POST", "iam", b"[1]").status == 200
    assert error(forged)["message"].startswith("The request signature we calculated does not match")
    assert error(forged)["code"] == "INVALID_SIGNATURE"
    assert error(unknown)["message"] == "The security token included in the request is invalid."


def test_a_body_that_was_altered_on_the_way_is_403(api: Api, caller: tuple[str, str]) -> None:
    signed = api.sign("POST", "iam", b"[1]", caller)

    assert api.send("POST", "iam", b"[1]", signed).status == 200
    answer = api.send("POST", "iam", b"[2]", signed)

    assert answer.status == 403
    assert error(answer)["code"] == "INVALID_SIGNATURE"


def test_a_caller_without_the_right_is_403(api: Api, boto: Boto) -> None:
    iam = boto("iam")
    iam.create_user(UserName="stranger")
    key = iam.create_access_key(UserName="stranger")["AccessKey"]
    keys = (key["AccessKeyId"], key["SecretAccessKey"])
    try:
        answer = api.signed("POST", "iam", b"[1]", keys)
    finally:
        iam.delete_access_key(UserName="stranger", AccessKeyId=keys[0])
        iam.delete_user(UserName="stranger")

    assert answer.status == 403
    told = error(answer)
    assert told["code"] == "ACCESS_DENIED"
    assert (
        "is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api" in told["message"]
    )
    assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"


def test_a_signature_of_yesterday_is_403(api: Api, caller: tuple[str, str]) -> None:
    signed = api.sign("POST", "iam", b"[1]", caller)
    old = {**signed, "X-Amz-Date": "20200101T000000Z"}

    answer = api.send("POST", "iam", b"[1]", old)

    assert answer.status == 403
    assert error(answer)["code"] == "INVALID_SIGNATURE"
