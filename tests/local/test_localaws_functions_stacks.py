"""Functions in stacks: versions that stay, aliases that move, layers from S3, and what Lambda refuses."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION, LocalAws
from tests.local.conftest import Boto
from tests.local.functions_toy import HANDLER, FunctionsToy, layer_zip, zipped

MB = 1024 * 1024
BUCKET = "function-code"


@pytest.fixture(scope="module")
def functions(boto: Boto) -> Iterator[FunctionsToy]:
    toy = FunctionsToy(boto)
    s3 = boto("s3")
    s3.create_bucket(Bucket=BUCKET)
    bodies = {
        "good": zipped(index__py=HANDLER), "next": zipped(index__py=HANDLER + "# next\n"),
        "broken": zipped(index__py="raise RuntimeError('no such model')\n"), "layer": layer_zip(),
        "huge": zipped(index__py=HANDLER, large__bin=b"\0" * (251 * MB)),
    }  # fmt: skip
    for name, body in bodies.items():
        s3.put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=body)
    yield toy
    for name in bodies:
        s3.delete_object(Bucket=BUCKET, Key=f"{name}.zip")
    s3.delete_bucket(Bucket=BUCKET)
    toy.remove()


def template(toy: FunctionsToy, code: str, **more: Any) -> str:
    """A function with everything that a stack has: log group, layer, version that stays, alias."""
    version = f"Version{code.title()}{more.pop('tag', '')}"
    alias = more.pop("Alias", {})
    log = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/stack/function"}}
    layer = {"Content": {"S3Bucket": BUCKET, "S3Key": "layer.zip"}, "CompatibleRuntimes": ["python3.13"]}
    function = {
        "Runtime": "python3.13", "Handler": "index.handler", "Role": toy.role, "Timeout": 5,
        "MemorySize": 256, "Code": {"S3Bucket": BUCKET, "S3Key": f"{code}.zip"},
        "Layers": [{"Ref": "Layer"}], "LoggingConfig": {"LogGroup": {"Ref": "Log"}}, **more,
    }  # fmt: skip
    live = {"Name": "live", "FunctionName": {"Ref": "Function"},
            "FunctionVersion": {"Fn::GetAtt": [version, "Version"]}, **alias}  # fmt: skip
    return json.dumps({
        "Resources": {
            "Log": log,
            "Layer": {"Type": "AWS::Lambda::LayerVersion", "Properties": layer},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            version: {
                "Type": "AWS::Lambda::Version", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
                "Properties": {"FunctionName": {"Ref": "Function"}, "Description": f"model {code}"},
            },
            "Live": {"Type": "AWS::Lambda::Alias", "Properties": live},
        },
        "Outputs": {"Name": {"Value": {"Ref": "Function"}}},
    })  # fmt: skip


class Stacks:
    def __init__(self, boto: Boto) -> None:
        self.aws = boto("cloudformation")

    def settled(self, name: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            [found] = self.aws.describe_stacks(StackName=name)["Stacks"]
            if not found["StackStatus"].endswith("IN_PROGRESS"):
                return found
            time.sleep(0.05)
        raise TimeoutError(name)

    def create(self, name: str, body: str) -> dict[str, Any]:
        self.aws.create_stack(StackName=name, TemplateBody=body)
        return self.settled(name)

    def update(self, name: str, body: str) -> dict[str, Any]:
        self.aws.update_stack(StackName=name, TemplateBody=body)
        return self.settled(name)

    def delete(self, name: str) -> None:
        stack = self.aws.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self.aws.delete_stack(StackName=name)
        assert self.settled(stack)["StackStatus"] == "DELETE_COMPLETE"

    def reasons(self, name: str) -> str:
        events = self.aws.describe_stack_events(StackName=name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)


@pytest.fixture(scope="module")
def stacks(boto: Boto) -> Stacks:
    return Stacks(boto)


def name_of(stack: dict[str, Any]) -> str:
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}["Name"]


def test_requests_during_updates_are_all_answered_and_old_versions_stay(
    functions: FunctionsToy, stacks: Stacks, local_aws: LocalAws
) -> None:
    before = local_aws.inventory()
    name = name_of(stacks.create("updated", template(functions, "good")))
    errors: list[str] = []
    versions: set[str] = set()
    over = threading.Event()

    def ask(_: int) -> None:
        while not over.is_set():
            try:
                told = functions.ask(name, Qualifier="live")
                versions.add(told.version)
                errors.extend([str(told.payload)] if told.error else [])
            except ClientError as error:
                errors.append(str(error))

    def seen(version: str) -> None:
        deadline = time.monotonic() + 10
        while version not in versions and time.monotonic() < deadline:
            time.sleep(0.02)

    with ThreadPoolExecutor(16) as pool:
        asking = [pool.submit(ask, number) for number in range(16)]
        changed = stacks.update("updated", template(functions, "next"))
        seen("2")
        again = stacks.update("updated", template(functions, "next", tag="Again", MemorySize=300))
        seen("3")
        over.set()
    for one in asking:
        one.result()
    listed = functions.aws.list_versions_by_function(FunctionName=name)["Versions"]
    functions.aws.update_alias(FunctionName=name, Name="live", FunctionVersion="1")
    back = functions.ask(name, Qualifier="live")
    stacks.delete("updated")
    after = local_aws.inventory()

    assert (changed["StackStatus"], again["StackStatus"]) == ("UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert errors == []
    assert versions == {"1", "2", "3"}
    assert [entry["Version"] for entry in listed] == ["$LATEST", "1", "2", "3"]
    assert [entry["Description"] for entry in listed[1:]] == ["model good", "model next", "model next"]
    assert (back.version, back.error) == ("1", None)
    assert set(after.resources) - set(before.resources) == set()
    assert (after.files, after.ports) == (before.files, before.ports)


def test_the_log_group_of_a_stack_goes_with_it(functions: FunctionsToy, stacks: Stacks, boto: Boto) -> None:
    name = name_of(stacks.create("logged", template(functions, "good")))
    functions.ask(name, Qualifier="live")
    lines = functions.lines("/stack/function", 4)
    stacks.delete("logged")
    time.sleep(1)

    assert len(lines) == 4
    assert boto("logs").describe_log_groups(logGroupNamePrefix="/stack/function")["logGroups"] == []


def test_a_stack_provisions_and_reserves_concurrency(functions: FunctionsToy, stacks: Stacks) -> None:
    alias = {"ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1}}
    body = template(functions, "good", Alias=alias, ReservedConcurrentExecutions=4)
    name = name_of(stacks.create("provisioned", body))
    told = functions.ask(name, Qualifier="live")
    reserved = functions.aws.get_function_concurrency(FunctionName=name)
    stacks.update("provisioned", template(functions, "next", Alias=alias, ReservedConcurrentExecutions=4))
    moved = functions.ask(name, Qualifier="live")
    broken = stacks.update("provisioned", template(functions, "broken", Alias=alias))
    reasons, after = stacks.reasons("provisioned"), functions.ask(name, Qualifier="live")
    stacks.delete("provisioned")

    assert reserved["ReservedConcurrentExecutions"] == 4
    for reply in (told, moved):
        kind = reply.payload["environment"]["AWS_LAMBDA_INITIALIZATION_TYPE"]
        assert kind == "provisioned-concurrency"
    assert (told.version, moved.version, after.version) == ("1", "2", "2")
    assert broken["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "FUNCTION_ERROR_INIT_FAILURE" in reasons


@pytest.mark.parametrize(
    ("code", "changed", "reason"),
    [
        ("good", {"Runtime": "python2.1"}, "Member must satisfy enum value set"),
        ("good", {"MemorySize": 20_000}, "less than or equal to 10240"),
        ("good", {"Timeout": 1000}, "less than or equal to 900"),
        ("good", {"Handler": "no handler"}, "regular expression pattern"),
        ("good", {"Role": f"arn:aws:iam::{ACCOUNT}:role/nobody"}, "cannot be assumed by Lambda"),
        ("good", {"Environment": {"Variables": {"AWS_REGION": "x"}}}, "reserved keys"),
        ("good", {"Environment": {"Variables": {"A": "x" * 5000}}}, "4KB limit"),
        ("huge", {}, "Unzipped size must be smaller than 262144000 bytes"),
        ("absent", {}, "The specified key does not exist"),
    ],
)
def test_what_lambda_refuses_fails_the_stack(
    functions: FunctionsToy, stacks: Stacks, code: str, changed: dict[str, Any], reason: str
) -> None:
    made = stacks.create("refused", template(functions, code, **changed))
    reasons = stacks.reasons("refused")
    stacks.delete("refused")

    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in reasons


@pytest.fixture(scope="module")
def unchecked(local_aws: LocalAws) -> Any:
    """A client that leaves all checks to the service."""
    server = local_aws.server()
    assert server is not None
    return boto3.client(
        "lambda", endpoint_url=server.url, region_name=REGION,
        aws_access_key_id=ACCOUNT, aws_secret_access_key="local",
        config=Config(proxies={}, parameter_validation=False, retries={"total_max_attempts": 1}),
    )  # fmt: skip


def test_events_over_6_mb_or_1_mb_behind_ones_back_are_refused(
    functions: FunctionsToy, unchecked: Any
) -> None:
    with functions.function("sized"):
        largest = b'"' + b"x" * (6 * MB - 2) + b'"'
        fine = unchecked.invoke(FunctionName="sized", Payload=b'{"a": 1}')
        with pytest.raises(ClientError) as large:
            unchecked.invoke(FunctionName="sized", Payload=largest + b" ")
        with pytest.raises(ClientError) as background:
            unchecked.invoke(FunctionName="sized", Payload=largest[: MB + 1], InvocationType="Event")
        with pytest.raises(ClientError) as no_json:
            unchecked.invoke(FunctionName="sized", Payload=b"{1")

    assert fine["StatusCode"] == 200
    for refused, limit in ((large, 6 * MB), (background, MB)):
        answer = refused.value.response
        assert answer["Error"]["Code"] == "RequestTooLargeException"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 413
        assert str(limit) in answer["Error"]["Message"]
    assert no_json.value.response["Error"]["Code"] == "InvalidRequestContentException"


def test_the_api_refuses_as_a_stack_does(functions: FunctionsToy, unchecked: Any) -> None:
    settings = {
        "FunctionName": "never", "Runtime": "python3.13", "Role": functions.role, "Handler": "index.handler",
        "Code": {"ZipFile": zipped(index__py=HANDLER)},
    }  # fmt: skip
    image = {"ImageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/absent:latest"}
    refused = {
        "enum value set": {"Runtime": "python2.1"},
        "does not exist. Provide a valid source image": {"Code": image, "PackageType": "Image"},
        "is not valid. Provide a valid source image": {"Code": {"ImageUri": "x"}, "PackageType": "Image"},
        "The specified key does not exist": {"Code": {"S3Bucket": BUCKET, "S3Key": "absent.zip"}},
        "Request must be smaller than 70167211 bytes": {"Code": {"ZipFile": b"0" * (53 * MB)}},
    }
    for text, changed in refused.items():
        with pytest.raises(ClientError, match=text):
            unchecked.create_function(**{**settings, **changed})
