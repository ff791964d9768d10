"""Artifacts that a test spoils, and the one that is put back."""

from __future__ import annotations

import tarfile
from typing import Any

from training.artifact import Artifact, load_artifact, write_artifact


def unpack(artifact: Artifact) -> dict[str, bytes]:
    """Return an archive's files by name, but for the manifest."""
    with tarfile.open(artifact.archive) as tar:
        names = [name for name in tar.getnames() if name != "code/manifest.json"]
        return {name: tar.extractfile(name).read() for name in names}


def write_again(deployed: Any, model: str, files: dict[str, bytes], **manifest: Any) -> str:
    """Make an artifact of other files the latest one, and return the version of the one before."""
    good = load_artifact(deployed.project.root, model)
    kept = {key: value for key, value in good.manifest.items() if key != "files"}
    write_artifact(deployed.project.root, model, unpack(good) | files, kept | manifest)
    return good.version


def spoil(deployed: Any, model: str) -> str:
    """Make an artifact that no server can load the latest one, and return the version of the one before."""
    files = unpack(load_artifact(deployed.project.root, model))
    return write_again(deployed, model, {name: b"no model" for name in files if name.startswith("model.")})


def point_at(deployed: Any, model: str, version: str) -> None:
    """Make a version the latest one again."""
    (deployed.project.root / "artifacts" / model / "latest").write_text(f"{version}\n")
