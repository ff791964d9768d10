"""The model in S3: whatever else is there, the old one answers."""

from __future__ import annotations

import io
import json
import tarfile
import time

import pytest

from model_code.serving.aws_lambda.s3_model import s3_client
from tests.server.events import error
from tests.server.models import model
from tests.server.process import free_port
from tests.server.stored_models import (
    POINTER,
    SECOND,
    Running,
    archive_of,
    packed,
    pointer_for,
    reasons,
    running_first,
    unloadable,
    wrong,
)


@pytest.fixture
def running(tmp_path) -> Running:
    return running_first(tmp_path / "cache")


def _absent(running) -> None:
    running.s3.objects.clear()


def _failing(running) -> None:
    running.s3.failing = TimeoutError("Connect timeout on endpoint")


def _not_json(running) -> None:
    running.s3.objects[POINTER] = b"{"


def _endless_pointer(running) -> None:
    running.s3.objects[POINTER] = b" " * 5000


def _archive_missing(running) -> None:
    pointer = running.put(*archive_of(model(SECOND)))
    del running.s3.objects[pointer["archive"]]


def _archive_altered(running) -> None:
    pointer = running.put(*archive_of(model(SECOND)))
    running.s3.objects[pointer["archive"]] += b"x"


def _manifest_altered(running) -> None:
    archive, _ = archive_of(model(SECOND))
    running.put(archive, "0" * 64)


def _of_another_model(running) -> None:
    archive, sha256 = archive_of(model(SECOND))
    key = pointer_for(archive, sha256)["archive"].replace("iris", "other")
    running.put(archive, sha256, archive=key)


def _upwards(running) -> None:
    archive, sha256 = archive_of(model(SECOND))
    running.put(archive, sha256, archive="models/iris/../other/model.tar.gz")


def _of_another_version(running) -> None:
    archive, sha256 = archive_of(model(SECOND))
    running.put(archive, sha256, version="0" * 12, archive=f"models/iris/{'0' * 12}/model.tar.gz")


def _no_text(running) -> None:
    running.s3.objects[POINTER] = json.dumps({**pointer_for(b"", "0" * 64), "version": 1}).encode()


def _one_more_member(running) -> None:
    running.put(*archive_of(model(SECOND)), more="x")


def _no_archive(running) -> None:
    running.put(b"this is no archive", "0" * 64)


def _member_outside(running) -> None:
    member = tarfile.TarInfo("../outside")
    running.put(packed(model(SECOND).path, member), model(SECOND).sha256)


def _link_outside(running) -> None:
    member = tarfile.TarInfo("link")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    running.put(packed(model(SECOND).path, member), model(SECOND).sha256)


def _bomb(running) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1) as tar:
        member = tarfile.TarInfo("zeros")
        member.size = 501 << 20

        class Zeros:
            def read(self, size: int) -> bytes:
                return bytes(size)

        tar.addfile(member, Zeros())
    running.put(stream.getvalue(), "0" * 64)


BROKEN = {
    _absent: "model_not_loadable",
    _failing: "model_not_loadable",
    _not_json: "model_not_loadable",
    _endless_pointer: "model_not_loadable",
    _archive_missing: "model_not_loadable",
    _archive_altered: "model_not_verified",
    _manifest_altered: "model_not_verified",
    _of_another_model: "model_not_loadable",
    _upwards: "model_not_loadable",
    _of_another_version: "model_not_loadable",
    _no_text: "model_not_loadable",
    _one_more_member: "model_not_loadable",
    _no_archive: "model_not_loadable",
    _member_outside: "model_not_loadable",
    _link_outside: "model_not_loadable",
    _bomb: "model_not_loadable",
}


@pytest.mark.parametrize(("breaking", "code"), BROKEN.items())
def test_whatever_is_wrong_in_s3_the_old_model_answers_and_one_line_says_why(
    running, capfd, tmp_path, breaking, code: str
) -> None:
    breaking(running)
    for _ in range(4):
        assert running.version(31) == running.first["version"]
    (reason,) = reasons(capfd)
    assert (reason["level"], reason["code"]) == ("ERROR", code)
    assert reason["model_version"] == running.first["version"]
    assert [path.name for path in running.cache.iterdir()] == [running.first["archive_sha256"]]
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    running.s3.failing = None
    second = running.put(*archive_of(model(SECOND)))
    assert running.version(31) == second["version"]


@pytest.mark.parametrize(
    ("breaking", "code"), [(_absent, "model_not_loadable"), (_archive_altered, "model_not_verified")]
)
def test_without_an_old_model_every_request_is_answered_503_until_there_is_one(
    tmp_path, breaking, code: str
) -> None:
    found = Running(tmp_path / "cache")
    breaking(found)
    found.start()
    answer = found.ask()
    assert (answer["statusCode"], error(answer)["code"]) == (503, code)
    assert "x-slipway-model-version" not in answer["headers"]
    with pytest.raises(Exception, match=code):
        found.function({"slipway": "try"})
    second = found.put(*archive_of(model(SECOND)))
    assert found.version(31) == second["version"]


@pytest.mark.parametrize(
    ("making", "code"), [(unloadable, "model_not_loadable"), (wrong, "model_wrong_answer")]
)
def test_a_model_that_does_not_work_is_fetched_once_and_leaves_the_old_one(
    running, capfd, tmp_path, making, code: str
) -> None:
    bad = running.put(*making(tmp_path / "bad"))
    for _ in range(4):
        assert running.version(31) == running.first["version"]
    (reason,) = reasons(capfd)
    assert (reason["code"], reason["refused_version"]) == (code, bad["version"])
    assert running.s3.asked.count(bad["archive"]) == 1
    assert [path.name for path in running.cache.iterdir()] == [running.first["archive_sha256"]]


class Slow(io.BytesIO):
    """An object of which every part takes some seconds."""

    def read(self, amt: int | None = -1) -> bytes:
        self.clock.now += 6
        return super().read(amt)


def test_an_archive_that_does_not_arrive_in_time_leaves_the_old_model(running, capfd) -> None:
    second = running.put(*archive_of(model(SECOND)))
    Slow.clock = running.clock
    running.s3.body = lambda content: (Slow if len(content) > 5000 else io.BytesIO)(content)
    assert running.version(31) == running.first["version"]
    assert "did not arrive within 5 s" in reasons(capfd)[0]["message"]
    running.s3.body = io.BytesIO
    assert running.version(31) == second["version"]


def test_a_client_gives_up_soon_where_nothing_answers(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    started = time.monotonic()
    answer = Running(tmp_path / "cache", s3_client()).start().ask()
    assert (answer["statusCode"], error(answer)["code"]) == (503, "model_not_loadable")
    assert time.monotonic() - started < 10
