"""Who the embedded AWS answers, and what IAM lets them do."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION, LocalAws
from tests.local.conftest import Boto
from tests.local.toy import ROWS, Toy, allow


def get(local_aws: LocalAws, path: str = "/", **headers: str) -> tuple[int, dict[str, Any]]:
    server = local_aws.server()
    assert server is not None
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    body = response.read()
    return response.status, json.loads(body) if body.startswith(b"{") else {}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:4566", ""]
)
def test_a_foreign_host_header_is_refused(local_aws: LocalAws, host: str) -> None:
    status, body = get(local_aws, Host=host)

    assert status == 403
    assert "local names" in body["message"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:4566", "abc.execute-api.localhost:4566"])
def test_local_names_with_any_port_are_answered(local_aws: LocalAws, host: str) -> None:
    status, _ = get(local_aws, "/_ministack/health", Host=host)

    assert status == 200


def test_a_page_of_another_site_is_refused(local_aws: LocalAws) -> None:
    status, body = get(local_aws, Origin="https://evil.example")

    assert status == 403
    assert "evil.example" in body["message"]


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config"])
def test_addresses_that_wipe_state_are_closed(local_aws: LocalAws, path: str) -> None:
    assert get(local_aws, path)[0] == 403


def test_the_inventory_needs_the_token_of_this_run(local_aws: LocalAws) -> None:
    assert get(local_aws, "/_slipway/inventory")[0] == 403
    assert get(local_aws, "/_slipway/inventory", X_Slipway_Token="0" * 32)[0] == 403
    assert local_aws.inventory()


def test_the_run_file_with_the_token_is_readable_by_its_owner_alone(local_aws: LocalAws) -> None:
    assert local_aws.state.run_file.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def user(boto: Boto) -> Iterator[dict[str, str]]:
    """Keys of a user who may invoke one endpoint and describe any."""
    iam = boto("iam")
    iam.create_user(UserName="caller")
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/access-allowed"
    statements = [allow(["sagemaker:InvokeEndpoint"], arn), allow(["sagemaker:DescribeEndpoint"], "*")]
    iam.put_user_policy(
        UserName="caller", PolicyName="invoke", PolicyDocument=json.dumps({"Statement": statements})
    )
    key = iam.create_access_key(UserName="caller")["AccessKey"]
    yield {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    iam.delete_access_key(UserName="caller", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="caller", PolicyName="invoke")
    iam.delete_user(UserName="caller")


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def test_a_request_signed_with_a_wrong_secret_is_refused(boto: Boto, user: dict[str, str]) -> None:
    forged = boto("sagemaker", **{**user, "aws_secret_access_key": "guessed"})

    with pytest.raises(ClientError) as error:
        forged.describe_endpoint(EndpointName="anything")

    assert code(error) in ("SignatureDoesNotMatch", "InvalidSignatureException")


def test_an_unknown_access_key_is_refused(boto: Boto) -> None:
    unknown = boto("sagemaker", aws_access_key_id="AKIAUNKNOWNUNKNOWN12", aws_secret_access_key="x")

    with pytest.raises(ClientError) as error:
        unknown.list_endpoints()

    assert code(error) in ("UnrecognizedClientException", "InvalidClientTokenId")


def test_an_unsigned_invocation_is_refused(local_aws: LocalAws) -> None:
    server = local_aws.server()
    assert server is not None
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", "/endpoints/any/invocations", body="1")

    assert connection.getresponse().status == 403


def test_invoking_another_endpoint_than_the_policy_names_is_denied(boto: Boto, user: dict[str, str]) -> None:
    runtime = boto("sagemaker-runtime", **user)

    with pytest.raises(ClientError) as error:
        runtime.invoke_endpoint(EndpointName="access-other", Body=ROWS, ContentType="text/csv")

    assert code(error) == "AccessDeniedException"
    message = error.value.response["Error"]["Message"]
    assert "sagemaker:InvokeEndpoint" in message
    assert f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/access-other" in message


def test_invoking_the_endpoint_that_the_policy_names_passes_iam(boto: Boto, user: dict[str, str]) -> None:
    runtime = boto("sagemaker-runtime", **user)

    with pytest.raises(ClientError) as error:
        runtime.invoke_endpoint(EndpointName="access-allowed", Body=ROWS, ContentType="text/csv")

    assert code(error) == "ValidationError"
    assert (
        error.value.response["Error"]["Message"] == f"Endpoint access-allowed of account {ACCOUNT} not found."
    )


def test_an_action_that_no_statement_allows_is_denied(boto: Boto, user: dict[str, str]) -> None:
    with pytest.raises(ClientError) as error:
        boto("sagemaker", **user).delete_endpoint(EndpointName="access-allowed")

    assert code(error) == "AccessDeniedException"


def test_a_bucket_that_denies_plain_http_takes_loopback_as_secure(
    boto: Boto, toy: Toy, user: dict[str, str]
) -> None:
    s3 = boto("s3")
    s3.create_bucket(Bucket="secure-bucket")
    statements = [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::secure-bucket/*",
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/caller"},
         "Action": "s3:PutObject", "Resource": "arn:aws:s3:::secure-bucket/*"},
    ]  # fmt: skip
    s3.put_bucket_policy(Bucket="secure-bucket", Policy=json.dumps({"Statement": statements}))

    boto("s3", **user).put_object(Bucket="secure-bucket", Key="k", Body=b"x")

    s3.delete_object(Bucket="secure-bucket", Key="k")
    s3.delete_bucket(Bucket="secure-bucket")
