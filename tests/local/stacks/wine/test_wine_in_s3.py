"""wine with its model in S3: a new one without a deploy of code, a bad one without effect, and back."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from slipway.functions import alias_version
from slipway.pointers import current, held
from slipway.pointers import point_at as point_at_model
from stacks.storage import current_pointer_key, model_archive_key
from tests.local.api import Api
from tests.local.stacks.log_groups import everything_logged
from tests.local.stacks.wine.test_wine_versions import point_at, retrained
from training.artifact import load_artifact

IN_S3 = {"wine.serve.model_source": "s3"}
# A function looks for another pointer every 30 s.
LOOKED_S = 45


@pytest.fixture(scope="module")
def in_s3(wine):
    good = load_artifact(wine.project.root, "wine").version
    wine.redeploy("wine", **IN_S3)
    yield wine
    point_at(wine, good)
    wine.redeploy("wine")


def ask(deployed):
    api = Api(deployed.aws.outputs("wine")["ApiUrl"])
    answer = api.send("POST", "predict", "[[0.1]]", {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body
    return answer.headers["x-slipway-model-version"]


def put(deployed, pointer):
    s3, bucket = deployed.aws.client("s3"), deployed.aws.outputs()["BucketName"]
    s3.put_object(Bucket=bucket, Key=current_pointer_key("wine"), Body=json.dumps(pointer).encode())


def rollback(deployed, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "slipway.main", "rollback", "wine", *arguments],
        cwd=deployed.project.root, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_running_functions_take_a_new_model_without_a_new_version_of_the_code(in_s3):
    outputs, bucket = in_s3.aws.outputs("wine"), in_s3.aws.outputs()["BucketName"]
    before, old = alias_version(in_s3.aws, outputs), load_artifact(in_s3.project.root, "wine").version
    assert ask(in_s3) == old

    new = retrained(in_s3, C=0.25).version
    replay = in_s3.redeploy("wine", **IN_S3)["champion"]  # waits until it answers

    assert replay.agreement == 1.0
    assert ask(in_s3) == new
    assert alias_version(in_s3.aws, outputs) == before
    assert [version.name for version in held(in_s3.aws, bucket, "wine") if version.current] == [new]


def test_a_model_that_was_altered_or_is_missing_leaves_the_old_one_answering(in_s3):
    s3, bucket = in_s3.aws.client("s3"), in_s3.aws.outputs()["BucketName"]
    good = current(in_s3.aws, bucket, "wine")
    body = bytearray(s3.get_object(Bucket=bucket, Key=good["archive"])["Body"].read())
    body[len(body) // 2] ^= 1
    digest = "f" * 64
    altered = {
        **good,
        "version": digest[:12],
        "archive": model_archive_key("wine", digest[:12]),
        "archive_sha256": digest,
    }
    s3.put_object(Bucket=bucket, Key=altered["archive"], Body=bytes(body))
    since = time.time()
    put(in_s3, altered)
    try:
        deadline = time.monotonic() + LOOKED_S
        while digest[:12] not in everything_logged(in_s3.aws, since):
            assert ask(in_s3) == good["version"]
            assert time.monotonic() < deadline, "the function never looked at the altered model"
            time.sleep(1)
        s3.delete_object(Bucket=bucket, Key=altered["archive"])
        s3.delete_object(Bucket=bucket, Key=current_pointer_key("wine"))
        assert ask(in_s3) == good["version"]
        assert not any(version.current for version in held(in_s3.aws, bucket, "wine"))
        in_s3.redeploy("wine", **IN_S3)
        assert current(in_s3.aws, bucket, "wine") == good
    finally:
        put(in_s3, good)


def test_a_rollback_tries_the_old_model_first_and_changes_nothing_where_that_fails(in_s3):
    bucket = in_s3.aws.outputs()["BucketName"]
    versions = held(in_s3.aws, bucket, "wine")
    now, old = (next(v.name for v in versions if v.current is wanted) for wanted in (True, False))
    s3 = in_s3.aws.client("s3")
    key = model_archive_key("wine", old)
    archive = s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    s3.put_object(Bucket=bucket, Key=key, Body=archive[:-1] + b"x")
    refused = rollback(in_s3)
    assert refused.returncode == 4 and "E-VERSION-REFUSED" in refused.stderr, refused.stderr
    assert current(in_s3.aws, bucket, "wine")["version"] == now

    s3.put_object(Bucket=bucket, Key=key, Body=archive)
    listed = json.loads(rollback(in_s3, "--list", "--json").stdout)["versions"]
    assert {version["name"] for version in listed} == {now, old}
    # What the verb does next is to wait for the function's next look, as the deploy above has done.
    point_at_model(in_s3.aws, in_s3.aws.outputs("wine"), bucket, "wine", old)
    assert current(in_s3.aws, bucket, "wine")["version"] == old
