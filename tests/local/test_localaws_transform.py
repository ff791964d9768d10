"""Batch transform as boto3 and the AWS CLI see it: what is read, how it is sent, what is written."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.control import LocalAws, client_environment
from tests.local.batch import GROUP, LINES, TEXT, Batch
from tests.local.conftest import ROOT, Boto
from tests.local.toy import Toy

ROWS = b"".join(b"%d,1\n" % number for number in range(1000))


@pytest.fixture(scope="module")
def batch(boto: Boto, toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Batch]:
    made = Batch(boto, toy, tmp_path_factory.mktemp("batch"))
    yield made
    made.remove()


def test_every_object_of_a_prefix_gets_an_output_of_its_own_name_in_its_own_folder(batch: Batch) -> None:
    batch.put({"in/a.csv": b"1,2\n3,4\n", "in/deep/b.csv": b"5,6\n", "in/empty.csv": b"", "in/deep/": b"",
               "inside.csv": b"9,9\n"})  # fmt: skip

    told = batch.run("names", "sums", "in/", **TEXT)

    assert told["TransformJobStatus"] == "Completed"
    assert told["TransformStartTime"] <= told["TransformEndTime"]
    assert told["DataProcessing"] == {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"}
    assert batch.outputs("names-out") == {
        "a.csv.out": b"3.0\n7.0\n", "deep/b.csv.out": b"11.0\n", "empty.csv.out": b"",
    }  # fmt: skip


def test_a_manifest_names_the_objects(batch: Batch) -> None:
    manifest = json.dumps([{"prefix": batch.uri("data/")}, "x/one.csv", "two.csv"]).encode()
    batch.put(
        {"data/x/one.csv": b"1\n", "data/two.csv": b"2\n", "data/three.csv": b"3\n", "m.json": manifest}
    )
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": batch.uri("m.json")}}

    batch.run(
        "named", "sums", "", **{**TEXT, "TransformInput": {**TEXT["TransformInput"], "DataSource": source}}
    )

    assert batch.outputs("named-out") == {"x/one.csv.out": b"1.0\n", "two.csv.out": b"2.0\n"}


def test_gzip_is_unpacked_and_the_order_of_many_requests_is_the_files(batch: Batch) -> None:
    lines = b"".join(b"%d,%s\n" % (number, b"0" * 40) for number in range(60_000))
    batch.put({"packed/a.csv.gz": gzip.compress(lines)})
    unpacked = {**TEXT, "TransformInput": {**TEXT["TransformInput"], "CompressionType": "Gzip"}}

    batch.run("packed", "sums", "packed", MaxPayloadInMB=1, MaxConcurrentTransforms=3, **unpacked)

    answers = batch.outputs("packed-out")["a.csv.gz.out"].split()
    assert [float(answer) for answer in answers] == [float(number) for number in range(60_000)]
    assert batch.data_log("packed") == [
        "MaxConcurrentTransforms=3, MaxPayloadInMB=1, BatchStrategy=MULTI_RECORD"
    ]


@pytest.mark.parametrize(("strategy", "requests"), [("SingleRecord", 3), ("MultiRecord", 1)])
def test_the_strategy_decides_how_many_records_a_request_has(
    batch: Batch, strategy: str, requests: int
) -> None:
    batch.put({"few.csv": b"1\n2\n3\n"})
    name = strategy.lower()

    batch.run(name, "sums", "few.csv", BatchStrategy=strategy, **TEXT)

    assert len(batch.requests(name)) == requests
    assert batch.outputs(f"{name}-out") == {"few.csv.out": b"1.0\n2.0\n3.0\n"}


def test_the_container_is_told_that_it_is_a_batch_and_only_the_limits_that_were_set(batch: Batch) -> None:
    batch.put({"env.txt": b"env"})

    batch.run("told", "sums", "env.txt", BatchStrategy="SingleRecord", Environment={"OWN": "own"})
    batch.run("told-all", "sums", "env.txt", MaxPayloadInMB=5, MaxConcurrentTransforms=4)

    few = json.loads(batch.outputs("told-out")["env.txt.out"])
    all_of_them = json.loads(batch.outputs("told-all-out")["env.txt.out"])
    assert few == {
        "SAGEMAKER_BATCH": "true", "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD", "OWN": "own",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": None, "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": None,
    }  # fmt: skip
    assert all_of_them["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "5"
    assert all_of_them["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] == "4"


def test_the_container_decides_what_the_request_leaves_open(batch: Batch) -> None:
    batch.put({"open.csv": ROWS})

    batch.run("open", "sums", "open.csv", Environment={"TELLS": "1"}, **TEXT)

    assert batch.data_log("open") == [
        "MaxConcurrentTransforms=2, MaxPayloadInMB=1, BatchStrategy=MULTI_RECORD"
    ]


def test_a_payload_of_zero_is_streamed_as_one_body(batch: Batch) -> None:
    batch.put({"stream.csv": ROWS * 400})

    batch.run("stream", "sums", "stream.csv", MaxPayloadInMB=0, **TEXT)

    assert len(batch.outputs("stream-out")["stream.csv.out"].splitlines()) == 400_000
    assert len(batch.requests("stream")) == 1


def test_a_join_appends_each_answer_to_its_row_and_filters_choose_columns(batch: Batch) -> None:
    batch.put({"join.csv": b"id-1,1,2\nid-2,3,4\n"})
    chosen = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}

    batch.run("joined", "sums", "join.csv", DataProcessing=chosen, **TEXT)

    assert batch.outputs("joined-out") == {"join.csv.out": b"id-1,3.0\nid-2,7.0\n"}


def test_a_join_of_json_lines_adds_the_answer_to_its_object(batch: Batch) -> None:
    batch.put({"join.jsonl": b'{"id": 1, "features": [1, 2]}\n{"id": 2, "features": [3]}\n'})
    chosen = {"InputFilter": "$.features", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}

    batch.run("objects", "sums", "join.jsonl", DataProcessing=chosen, **LINES)

    lines = batch.outputs("objects-out")["join.jsonl.out"].splitlines()
    assert [json.loads(line) for line in lines] == [
        {"id": 1, "SageMakerOutput": {"label": [1, 2]}}, {"id": 2, "SageMakerOutput": {"label": [3]}},
    ]  # fmt: skip


def test_two_instances_share_the_files(boto: Boto, batch: Batch) -> None:
    files = {f"shared/{number}.csv": b"%d\n" % number for number in range(8)}
    batch.put(files)
    two = {"InstanceType": "ml.m5.large", "InstanceCount": 2}

    batch.run("shared", "sums", "shared/", TransformResources=two, **TEXT)

    streams = boto("logs").describe_log_streams(logGroupName=GROUP, logStreamNamePrefix="shared/")[
        "logStreams"
    ]
    assert len([stream for stream in streams if stream["logStreamName"].endswith("/data-log")]) == 2
    assert batch.outputs("shared-out") == {f"{number}.csv.out": b"%d.0\n" % number for number in range(8)}


def test_a_key_encrypts_the_output(boto: Boto, batch: Batch) -> None:
    key = boto("kms").create_key()["KeyMetadata"]["Arn"]
    batch.put({"secret.csv": b"1\n"})

    batch.run("secret", "sums", "secret.csv", TransformOutput={**TEXT["TransformOutput"], "KmsKeyId": key},
              TransformInput=TEXT["TransformInput"])  # fmt: skip

    head = batch.toy.s3.head_object(Bucket=batch.bucket, Key="secret-out/secret.csv.out")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_waiters_and_the_aws_command_line_follow_a_job(batch: Batch, local_aws: LocalAws) -> None:
    batch.put({"cli.csv": b"1\n"})
    batch.start("waited", "sums", "cli.csv", Tags=[{"Key": "team", "Value": "a"}], **TEXT)
    batch.sagemaker.get_waiter("transform_job_completed_or_stopped").wait(
        TransformJobName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 90}
    )
    server = local_aws.server()
    assert server is not None

    def aws(*words: str) -> str:
        command = [str(ROOT / ".venv" / "bin" / "aws"), "sagemaker", *words, "--output", "text"]
        environment = client_environment(server)
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    status = aws("describe-transform-job", "--transform-job-name", "waited", "--query", "TransformJobStatus")
    listed = aws("list-transform-jobs", "--name-contains", "wait", "--status-equals", "Completed",
                 "--query", "TransformJobSummaries[].TransformJobName")  # fmt: skip
    arn = batch.sagemaker.describe_transform_job(TransformJobName="waited")["TransformJobArn"]
    assert (status.strip(), listed.strip()) == ("Completed", "waited")
    assert batch.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]


def test_what_a_job_leaves_is_its_record_alone(batch: Batch, local_aws: LocalAws) -> None:
    batch.put({"left.csv": b"1\n"})
    batch.run("left", "sums", "left.csv", **TEXT)

    inventory = local_aws.inventory()

    assert [entry.name for entry in inventory.resources if entry.kind == "transform-job"] == []
    assert ("left", "Completed") in [(entry.name, entry.detail) for entry in inventory.kept_by_aws]
    assert (inventory.processes, inventory.files, inventory.ports) == ((), (), ())
    assert not list(Path(local_aws.state.fleets).iterdir())
