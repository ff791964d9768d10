"""What a transform job does with bad records, missing rights, wrong requests and an early end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION, LocalAws
from tests.local.batch import TEXT, Batch
from tests.local.conftest import Boto, free_port
from tests.local.test_localaws_lifecycle import alive, wait_until
from tests.local.toy import Toy, allow

TWO_MB = b"1" * (2 << 20)


@pytest.fixture(scope="module")
def batch(boto: Boto, toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    made = Batch(boto, toy, tmp_path_factory.mktemp("batch"))
    yield made
    made.remove()


def rows(count: int, **odd: bytes) -> bytes:
    """This many rows, but the ones of these numbers, which are written n1, n2, …"""
    return b"".join(odd.get(f"n{number}", b"%d" % number) + b"\n" for number in range(1, count + 1))


@pytest.mark.parametrize(
    ("row", "side", "status", "message"),
    [
        (b"bad", "ClientError", 400, "cannot read a bad row"),
        (b"boom", "AlgorithmError", 500, "Internal Server Error"),
    ],
)
def test_a_bad_record_is_named_by_file_and_line_and_the_other_outputs_stay(
    batch: Batch, row: bytes, side: str, status: int, message: str
) -> None:
    name = row.decode()
    batch.put(
        {f"{name}/a.csv": rows(5), f"{name}/b.csv": rows(200_000, n123456=row), f"{name}/c.csv": rows(5)}
    )
    retries = {"InvocationsMaxRetries": 0}

    told = batch.run(name, "sums", f"{name}/", MaxPayloadInMB=1, ModelClientConfig=retries, **TEXT)

    log = [line for line in batch.data_log(name) if f"{batch.bucket}/{name}/b.csv: " in line]
    lines = [line.partition(": ")[2] for line in log]
    assert (told["TransformJobStatus"], told["FailureReason"]) == (
        "Failed", f"{side}: See job logs for more information",
    )  # fmt: skip
    assert sorted(batch.outputs(f"{name}-out")) == ["a.csv.out", "c.csv.out"]
    assert lines[:4] == [f"{side}: {status}", "Line 123456", "", "Message:"]
    assert message in " ".join(lines[4:])


@pytest.mark.parametrize(
    ("name", "content", "more", "told"),
    [
        ("wide", b"1\n" + TWO_MB + b"\n3\n", {**TEXT, "MaxPayloadInMB": 1}, "Line 2 has 2097153 bytes"),
        ("large", TWO_MB, {"MaxPayloadInMB": 1}, "The file has 2097152 bytes, and MaxPayloadInMB allows"),
        ("unequal", b"env\n1\n2\n", {**TEXT, "DataProcessing": {"JoinSource": "Input"}},
         "Line 1: Fail to join data: mismatched line count between the input and the output: 3 records"),
        ("narrow", b"1,2\n\n3\n", {**TEXT, "DataProcessing": {"InputFilter": "$[1:]"}},
         "Line 3: index 1 is out of range: there are 1"),
        ("unpacked", b"1\n", {"TransformInput": {"CompressionType": "Gzip"}},
         "CompressionType is Gzip and s3://batch-data/unpacked.csv is not"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_sent_or_joined_says_why(
    batch: Batch, name: str, content: bytes, more: dict[str, Any], told: str
) -> None:
    batch.put({f"{name}.csv": content})

    ended = batch.run(name, "sums", f"{name}.csv", **more)

    assert ended["FailureReason"] == "ClientError: See job logs for more information"
    assert any(told in line for line in batch.data_log(name))
    assert batch.outputs(f"{name}-out") == {}


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ("s3:ListBucket", 'ClientError: Data download failed:No S3 objects found under S3 URL "s3://batch-data/in.csv"'),
        ("s3:PutObject", "ClientError: See job logs for more information"),
    ],
)  # fmt: skip
def test_the_roles_rights_decide_what_is_read_and_written(batch: Batch, missing: str, reason: str) -> None:
    rights = {"s3:GetObject", "s3:ListBucket", "s3:PutObject", "logs:*"}
    name = missing[3:].lower()
    batch.put({"in.csv": b"1\n"})
    batch.toy.model(name, "sums", batch.toy.make_role(name, [allow(sorted(rights - {missing}), "*")]))

    told = batch.run(name, name, "in.csv", **TEXT)

    batch.toy.drop(name)
    batch.toy.drop_role(name)
    assert told["FailureReason"].startswith(reason)
    assert batch.outputs(f"{name}-out") == {}


def test_a_model_that_does_not_load_ends_the_job(batch: Batch) -> None:
    batch.put({"in.csv": b"1\n"})
    batch.toy.model("broken", "broken", batch.role)

    told = batch.run("broken", "broken", "in.csv", **TEXT)

    batch.toy.drop("broken")
    assert told["TransformJobStatus"] == "Failed"
    assert told["FailureReason"].startswith("AlgorithmError: The primary container did not pass the ping")
    assert "no such model in the archive" in told["FailureReason"]


def test_a_stopped_job_keeps_its_whole_outputs_and_can_be_stopped_but_once(batch: Batch) -> None:
    batch.put({"stop/a.csv": b"1\n", "stop/b.csv": b"slow\n", "stop/c.csv": b"3\n"})
    batch.start("stopped", "sums", "stop/", **TEXT)
    wait_until(lambda: batch.outputs("stopped-out"), timeout_s=30)

    batch.sagemaker.stop_transform_job(TransformJobName="stopped")
    begun = time.monotonic()
    told = batch.ended("stopped")

    assert time.monotonic() - begun < 15
    assert told["TransformJobStatus"] == "Stopped"
    assert sorted(batch.outputs("stopped-out")) == ["a.csv.out"]
    with pytest.raises(ClientError, match="rejected because the transform job is in status Stopped"):
        batch.sagemaker.stop_transform_job(TransformJobName="stopped")


SPLIT = {"ContentType": "text/csv", "SplitType": "Line"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ModelName": "nobody"}, f'Could not find model "arn:aws:sagemaker:{REGION}:{ACCOUNT}:model/n'),
        ({"TransformJobName": "a_b"}, "Value 'a_b' at 'transformJobName' failed to satisfy constraint"),
        ({"MaxPayloadInMB": 101}, "Member must have value less than or equal to 100"),
        ({"MaxPayloadInMB": 51, "MaxConcurrentTransforms": 2}, "must not exceed 100 MB"),
        ({"Environment": {f"N{number}": "" for number in range(17)}}, "length less than or equal to 16"),
        ({"TransformInput": {"SplitType": "RecordIO"}}, "SplitType RecordIO is not part of the embedded AWS"),
        ({"BatchStrategy": "Some"}, "enum value set: [MultiRecord, SingleRecord]"),
        ({"DataProcessing": {"InputFilter": "$" + "[0]" * 21}}, "length less than or equal to 63"),
        ({"DataProcessing": {"InputFilter": "features"}}, "Invalid JSONPath 'features'"),
        ({**TEXT, "DataProcessing": {"InputFilter": "$.a"}}, "a CSV row has indices only"),
        ({"DataProcessing": {"InputFilter": "$[1:]"}}, "DataProcessing needs ContentType to be text/csv"),
        ({"DataProcessing": {"JoinSource": "Input"}, "TransformInput": SPLIT},
         "They are 'text/csv' and '', 'Line' and 'None'"),
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://b/c"}}, "DataCaptureConfig of a transform"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_before_anything_runs(
    batch: Batch, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError) as error:
        batch.start("wrong", "sums", "in.csv", **more)

    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert message in error.value.response["Error"]["Message"]


def test_a_name_is_taken_for_ever_and_an_unknown_one_is_told(batch: Batch) -> None:
    batch.put({"in.csv": b"1\n"})
    batch.run("taken", "sums", "in.csv", **TEXT)

    with pytest.raises(ClientError) as twice:
        batch.start("taken", "sums", "in.csv", **TEXT)
    with pytest.raises(ClientError, match="Could not find requested job with name: nobody"):
        batch.sagemaker.describe_transform_job(TransformJobName="nobody")

    assert twice.value.response["Error"]["Code"] == "ResourceInUse"


def test_the_end_of_the_server_ends_its_jobs_and_leaves_nothing(own_root: Path, tmp_path: Path) -> None:
    local = LocalAws(own_root)
    server = local.start(free_port())
    boto = local_boto(server.url)
    batch = Batch(boto, Toy(boto, tmp_path), tmp_path)
    batch.put({"in.csv": b"slow\n"})
    batch.start("cut", "sums", "in.csv", **TEXT)
    wait_until(lambda: batch.requests("cut"), timeout_s=30)
    processes = [process.pid for process in local.inventory().processes]
    [entry] = [entry for entry in local.inventory().resources if entry.kind == "transform-job"]

    local.stop()

    assert (entry.name, entry.detail) == ("cut", "InProgress")
    assert processes
    wait_until(lambda: not any(map(alive, processes)))
    assert not any(map(alive, processes))
    assert not local.state.fleets.exists()


def local_boto(url: str) -> Any:
    session = boto3.session.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key="local", region_name=REGION
    )
    return lambda service: session.client(service, endpoint_url=url)
