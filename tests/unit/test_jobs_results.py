"""What a training job brings back: one file of an archive that nobody has to trust."""

from __future__ import annotations

import io
import tarfile

import pytest

from slipway.errors import TrainingFailed
from training.sagemaker import result
from training.sagemaker.result import fetch_model, read_model


def packed(*members, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize("name", ["model.joblib", "./model.joblib"])
def test_the_file_of_the_framework_is_taken_and_others_are_left(name):
    archive = packed(("plot.png", b"png"), (name, b"the model"), ("code/model.joblib", b"another"))

    assert read_model(archive, "model.joblib", job="job-1") == b"the model"


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (packed(("plot.png", b"png"), ("code/model.joblib", b"m")), "plot.png, code/model.joblib"),
        (packed(("model.joblib", "/etc/passwd")), "left no model.joblib"),
        (packed(), "Its archive has: nothing"),
        (io.BytesIO(b"this is no archive"), "no tar.gz"),
        (io.BytesIO(packed(("model.joblib", b"m" * 100_000)).getvalue()[:150]), "no tar.gz"),
        (packed(("../model.joblib", b"m")), "../model.joblib"),
    ],
)
def test_an_archive_without_that_file_is_refused_and_nothing_is_unpacked(
    archive, words, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(TrainingFailed) as refused:
        read_model(archive, "model.joblib", job="job-1")

    assert words in str(refused.value)
    assert list(tmp_path.parent.glob("model.joblib")) == list(tmp_path.iterdir()) == []


def test_an_archive_that_grows_beyond_all_measure_is_refused(monkeypatch):
    monkeypatch.setattr(result, "LARGEST_CONTENT", 1_000_000)
    bomb = packed(("zeros", bytes(2_000_000)), ("model.joblib", b"m"))

    with pytest.raises(TrainingFailed, match="unpacked"):
        read_model(bomb, "model.joblib", job="job-1")


class Bucket:
    """S3 with one object of a length that it only claims, which was written a number of times."""

    def __init__(self, length, body, *, written=1):
        self.answer = {"ContentLength": length, "Body": body}
        self.written = written

    def get_paginator(self, _):
        return self

    def paginate(self, *, Prefix, **_):  # noqa: N803 - boto3's name
        versions = [{"Key": Prefix, "VersionId": f"v{number}"} for number in range(self.written)]
        return [{"Versions": [*versions, {"Key": f"{Prefix}.bak", "VersionId": "v9"}]}]

    def get_object(self, *, VersionId, **_):  # noqa: N803 - boto3's name
        assert VersionId == "v0"
        return self.answer


def fetched(bucket):
    return fetch_model(bucket, "s3://bucket/model.tar.gz", "model.joblib", job="job-1", account="1" * 12)


def test_an_archive_that_is_too_large_is_not_brought_here():
    body = io.BytesIO(b"")

    with pytest.raises(TrainingFailed, match=r"3\.0 GB packed"):
        fetched(Bucket(3_000_000_000, body))

    assert body.closed


def test_an_archive_that_was_written_once_is_brought_here():
    archive = packed(("model.joblib", b"the model"))

    assert fetched(Bucket(100, archive)) == b"the model"


@pytest.mark.parametrize(("written", "told"), [(2, "written again or deleted"), (0, "taken away")])
def test_an_archive_that_somebody_wrote_again_is_not_read(written, told):
    with pytest.raises(TrainingFailed, match=told):
        fetched(Bucket(100, packed(("model.joblib", b"another model")), written=written))
