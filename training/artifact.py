"""The artifact that training writes and every stack reads: `artifacts/<model>/<version>/`.

The version is the first 12 hex digits of the sha256 of `model.tar.gz`; `manifest.json` is the same bytes as
`code/manifest.json` in the archive. Reading an artifact needs the standard library only: synth imports this.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import ArtifactInvalid, ArtifactMissing, NoEngine

ARCHIVE = "model.tar.gz"
MANIFEST = "manifest.json"
LATEST, PREVIOUS = POINTERS = ("latest", "previous")
# The archive's files keep these modes, so that any user inside a container may read them.
FILE_MODE = 0o644


@dataclass(frozen=True)
class Artifact:
    """One verified version of a model."""

    model: str
    version: str
    folder: Path
    manifest: Mapping[str, Any]
    manifest_sha256: str

    @property
    def archive(self) -> Path:
        """The path of `model.tar.gz`."""
        return self.folder / ARCHIVE

    @property
    def scikit_learn(self) -> str:
        """The version of scikit-learn that fitted the model."""
        return str(self.manifest["versions"]["scikit-learn"])

    @property
    def has_joblib(self) -> bool:
        """Whether AWS's prebuilt scikit-learn image can serve it: it has the form that train.py wrote."""
        return "model.joblib" in self.manifest["files"]

    @property
    def engine(self) -> str:
        """What computes its predictions in a container of ours: `onnx`, `sklearn` or `xgboost`.

        Raises:
            NoEngine: it can be served by AWS's prebuilt image alone.
            ArtifactInvalid: it is older than engines are.
        """
        engine = self.manifest.get("engine")
        if engine is None:
            raise ArtifactInvalid(
                f"{self.model} {self.version} does not say which engine serves it.",
                why="It was packaged by an older Slipway.",
                fix=f"Run: slipway train {self.model}",
            )
        if engine["name"] == "none":
            raise NoEngine(
                f"{self.model} {self.version} cannot be served by a container of ours.",
                why=f"{engine['reason']}.",
                fix="Build the model from scikit-learn's own parts, or name the package in the model's "
                'requirements.txt; target = "sagemaker" and image = "sklearn" serve what train.py wrote.',
            )
        return str(engine["name"])

    @property
    def needs_install(self) -> bool:
        """Whether the container must install packages when it starts."""
        return "code/requirements.txt" in self.manifest["files"]


def load_artifact(root: Path, model: str, version: str = LATEST) -> Artifact:
    """Read and verify an artifact.

    Args:
        root: the project's folder.
        model: the model's name.
        version: 12 hex digits, `latest`, or `previous`: what was latest before the newest version.

    Raises:
        ArtifactMissing: it was never trained here.
        ArtifactInvalid: the files were changed after training.
    """
    home = root / "artifacts" / model
    make = _how_to_make(root, model)
    if version in POINTERS:
        try:
            version = (home / version).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            if version == PREVIOUS and (home / LATEST).exists():
                raise ArtifactMissing(
                    f"{model} has no artifact before its latest.",
                    why="It was packaged once, or with the same outcome each time.",
                    fix=f'Package another version ({make}), or set version = "latest".',
                ) from None
            raise ArtifactMissing(
                f"{model} has no artifact: artifacts/{model} is empty.",
                why="A stack needs a trained model to deploy.",
                fix=f"Run: {make}",
            ) from None
    folder = home / version
    try:
        archive = (folder / ARCHIVE).read_bytes()
        manifest = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        if folder.is_dir():
            raise ArtifactInvalid(
                f"artifacts/{model}/{version} is incomplete.",
                why=f"It needs {ARCHIVE} and {MANIFEST}.",
                fix=f"Delete that folder and run: {make}",
            ) from None
        here = sorted(path.name for path in home.glob("*") if path.is_dir() and len(path.name) == 12)
        raise ArtifactMissing(
            f"{model} has no artifact {version}.",
            why=f"Versions here: {', '.join(here) or 'none'}.",
            fix=f'Run: {make}, or set version = "latest".',
        ) from None
    if sha256(archive)[:12] != version or _member(archive, f"code/{MANIFEST}") != manifest:
        raise ArtifactInvalid(
            f"artifacts/{model}/{version} was changed after training.",
            why=f"{ARCHIVE} and {MANIFEST} no longer belong to version {version}.",
            fix=f"Delete that folder and run: {make}",
        )
    return Artifact(model, version, folder, json.loads(manifest), sha256(manifest))


def write_artifact(
    root: Path, model: str, files: Mapping[str, bytes], manifest: Mapping[str, Any]
) -> Artifact:
    """Write an artifact in one step: after a crash at any point there is the old one or the new one.

    Args:
        root: the project's folder.
        model: the model's name.
        files: the archive's members by name, the manifest excepted.
        manifest: what the manifest says; `files` is added to it.
    """
    manifest = {**manifest, "files": {name: sha256(data) for name, data in sorted(files.items())}}
    text = (json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
    archive = pack({**files, f"code/{MANIFEST}": text})
    version = sha256(archive)[:12]
    home = root / "artifacts" / model
    home.mkdir(parents=True, exist_ok=True)
    folder = home / version
    for abandoned in home.glob(".new-*"):  # what a killed run left half-written
        shutil.rmtree(abandoned, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=".new-", dir=home))
    try:
        _write_synced(staging / ARCHIVE, archive)
        _write_synced(staging / MANIFEST, text)
        staging.chmod(0o755)
        if not _same(folder, staging):
            shutil.rmtree(folder, ignore_errors=True)  # this version's files were changed by hand
            staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _point(home, version)
    return Artifact(model, version, folder, json.loads(text), sha256(text))


def write_note(artifact: Artifact, name: str, text: str) -> None:
    """Write a file beside an artifact's archive, in one step; its version does not depend on it."""
    staging = artifact.folder / f".{name}-new"
    _write_synced(staging, text.encode())
    staging.replace(artifact.folder / name)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a tar.gz that depends on names and contents alone: sorted, no times, no owners."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", filename="", mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, data in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), FILE_MODE
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    """Return the hex sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def _point(home: Path, version: str) -> None:
    """Make a version the latest and what was latest the previous; the same version changes neither."""
    try:
        before = (home / LATEST).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        before = version
    # `previous` first: after a crash between the two both name the old version, and the next run mends that.
    pointers = {LATEST: version} if before == version else {PREVIOUS: before, LATEST: version}
    for name, target in pointers.items():
        pointer = home / f".{name}-new"
        _write_synced(pointer, f"{target}\n".encode())
        pointer.replace(home / name)


def _how_to_make(root: Path, model: str) -> str:
    folder = root / "model_code" / model
    with suppress(FileNotFoundError):
        section = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))["model"]
        if section.get("framework") == "xgboost" or (folder / "train.py").is_file():
            return f"slipway train {model}"
    return f"slipway import {model} PATH"


def _same(folder: Path, other: Path) -> bool:
    try:
        return all(
            (folder / name).read_bytes() == (other / name).read_bytes() for name in (ARCHIVE, MANIFEST)
        )
    except FileNotFoundError:
        return False


def _member(archive: bytes, name: str) -> bytes | None:
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            member = tar.extractfile(name)
            return member.read() if member else None
    except (tarfile.TarError, KeyError, OSError, EOFError):
        return None


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
