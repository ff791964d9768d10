"""The model in S3: taken when it is in order, once, with all that belongs to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.models import ModelFolder, model, with_hooks
from tests.server.stored_models import (
    FIRST,
    POINTER,
    SECOND,
    Running,
    archive_of,
    reasons,
    running_first,
    unloadable,
    wrong,
)


@pytest.fixture
def running(tmp_path) -> Running:
    return running_first(tmp_path / "cache")


def test_a_new_model_is_taken_within_a_minute_and_not_before_it_is_looked_for(running) -> None:
    assert running.version() == running.first["version"]
    second = running.put(*archive_of(model(SECOND)))
    assert running.version(29) == running.first["version"]
    assert running.version(2) == second["version"]
    assert running.s3.asked.count(POINTER) == 2
    assert [folder.name for folder in running.cache.iterdir()] == [second["archive_sha256"]]


def test_the_first_model_is_taken_at_once_when_it_comes(tmp_path) -> None:
    running = Running(tmp_path / "cache").start()
    assert running.ask()["statusCode"] == 503
    first = running.put(*archive_of(model(FIRST)))
    assert running.version(1) == first["version"]


def test_a_model_that_stays_is_not_fetched_again(running) -> None:
    for _ in range(5):
        running.version(31)
    assert running.s3.asked.count(POINTER) == 6
    assert running.s3.asked.count(running.first["archive"]) == 1


def test_a_look_follows_a_clock_that_was_set_back(running) -> None:
    second = running.put(*archive_of(model(SECOND)))
    assert running.version(-3600) == second["version"]


def test_another_environment_with_a_warm_folder_fetches_the_pointer_alone(running) -> None:
    again = Running(running.cache, running.s3)
    running.s3.asked.clear()
    assert again.start().version() == running.first["version"]
    assert running.s3.asked == [POINTER]


def test_an_altered_folder_is_fetched_anew(running, capfd) -> None:
    (running.cache / running.first["archive_sha256"] / "model.onnx").write_bytes(b"altered")
    assert Running(running.cache, running.s3).start().version() == running.first["version"]
    assert running.s3.asked.count(running.first["archive"]) == 2
    assert reasons(capfd) == []


def test_a_candidate_is_tried_and_not_taken(running) -> None:
    second = running.put(*archive_of(model(SECOND)))
    tried = running.function({"slipway": "try", "candidate": second})
    assert (tried["version"], tried["answers"]) == (second["version"], tried["expected"])
    assert running.version() == running.first["version"]
    assert running.function({"slipway": "try"})["version"] == running.first["version"]


def test_a_candidate_needs_no_model_in_force(tmp_path) -> None:
    found = Running(tmp_path / "cache").start()
    first = found.put(*archive_of(model(FIRST)))
    assert found.function({"slipway": "try", "candidate": first})["version"] == first["version"]
    assert found.ask()["statusCode"] == 503


@pytest.mark.parametrize(
    ("making", "code"), [(unloadable, "model_not_loadable"), (wrong, "model_wrong_answer")]
)
def test_a_candidate_that_does_not_work_fails_its_try_with_the_reason(
    running, tmp_path, making, code
) -> None:
    bad = running.put(*making(tmp_path / "bad"))
    with pytest.raises(Exception, match=code):
        running.function({"slipway": "try", "candidate": bad})
    assert running.version() == running.first["version"]


@pytest.mark.parametrize("candidate", [None, {}, [], "x", {"version": "0" * 12}])
def test_a_candidate_that_is_no_pointer_is_refused(running, candidate) -> None:
    with pytest.raises(ValueError, match="pointer"):
        running.function({"slipway": "try", "candidate": candidate})


HOOKS = "from helper import said\ndef output_fn(prediction, accept):\n    return said(), 'text/plain'\n"


def _hooked(folder: Path, word: str) -> tuple[bytes, str]:
    copy = with_hooks(folder, HOOKS)
    (folder / "code" / "helper.py").write_text("def said():\n    import words\n    return words.WORD\n")
    (folder / "code" / "words.py").write_text(f"WORD = {word!r}\n")
    names = {**copy.manifest["files"], "code/helper.py": "", "code/words.py": ""}
    return archive_of(copy.signed(files=names))


def test_hooks_and_their_modules_change_with_their_model_and_stay_with_the_old_one(tmp_path) -> None:
    found = Running(tmp_path / "cache")
    found.put(*_hooked(tmp_path / "one", "one"))
    found.start()
    two_archive = _hooked(tmp_path / "two", "two")
    two = found.put(*two_archive)
    assert found.function({"slipway": "try", "candidate": two})["version"] == two["version"]
    assert found.ask()["body"] == "one"  # its lazy import is its own, though the candidate's came first
    copy = tmp_path / "three"
    _hooked(copy, "three")
    broken = ModelFolder(copy, "")
    golden = broken.manifest["golden"]
    found.put(*archive_of(broken.signed(golden={**golden, "predictions": ["x"] * len(golden["rows"])})))
    assert found.ask(31)["body"] == "one"
    found.put(*two_archive)
    assert found.ask(31)["body"] == "two"
    found.put(*archive_of(model(FIRST)))
    assert found.version(31)
