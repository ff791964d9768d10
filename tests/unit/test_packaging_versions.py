"""Versions of an artifact, and the two pointers to them."""

import hashlib

import pytest

from slipway.errors import ArtifactInvalid, ArtifactMissing
from training.artifact import load_artifact, write_artifact


def put(root, content, **manifest):
    return write_artifact(root, "m", {"model.joblib": content}, manifest).version


def test_previous_is_what_was_latest_before_the_newest_version(tmp_path):
    first = put(tmp_path, b"1")
    with pytest.raises(ArtifactMissing, match="no artifact before its latest"):
        load_artifact(tmp_path, "m", "previous")
    put(tmp_path, b"1")
    assert not (tmp_path / "artifacts/m/previous").exists()
    second = put(tmp_path, b"2")
    put(tmp_path, b"2")

    assert load_artifact(tmp_path, "m", "previous").version == first
    assert load_artifact(tmp_path, "m").version == second
    third = put(tmp_path, b"3")
    assert load_artifact(tmp_path, "m", "previous").version == second
    assert load_artifact(tmp_path, "m", "latest").version == third
    assert (tmp_path / "artifacts/m/previous").read_text() == f"{second}\n"


def test_a_crash_between_the_pointers_leaves_two_that_lead_somewhere(tmp_path):
    first = put(tmp_path, b"1")
    second = put(tmp_path, b"2")
    (tmp_path / "artifacts/m/previous").write_text(
        f"{second}\n"
    )  # as if killed before `latest` moved to a third

    assert load_artifact(tmp_path, "m", "previous").version == second
    put(tmp_path, b"3")
    assert load_artifact(tmp_path, "m", "previous").version == second
    assert load_artifact(tmp_path, "m", first).version == first


def test_an_artifact_without_an_engine_asks_to_be_packaged_again(tmp_path):
    put(tmp_path, b"1")

    with pytest.raises(ArtifactInvalid, match="does not say which engine"):
        _ = load_artifact(tmp_path, "m").engine


def test_the_archive_names_every_version_by_its_hash(tmp_path):
    version = put(tmp_path, b"1")

    assert hashlib.sha256(load_artifact(tmp_path, "m").archive.read_bytes()).hexdigest().startswith(version)
