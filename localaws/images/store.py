"""What was built on this machine: images and definitions, by content, beside the environments.

`<root>/.slipway/images` holds `blobs/<sha256>`, one manifest a built tag, and a few names. It outlives every
embedded AWS, so that an unchanged image is built once; the newest few are kept. Standard library only.
"""

import hashlib
import json
import os
import tarfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from localaws.locks import exclusive

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_KEPT = 4
_YOUNG_S = 3600
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a manifest names: `kind` is the media type of its config; all blobs as (digest, bytes)."""

    media_type: str
    kind: str
    config: str
    layers: tuple[str, ...]
    blobs: tuple[tuple[str, int], ...]


def parsed_manifest(content: bytes) -> Manifest:
    """Return what a manifest says. One that is no image's, such as an index, names nothing."""
    parsed = json.loads(content)
    config, layers = parsed.get("config") or {}, parsed.get("layers") or []
    return Manifest(
        parsed.get("mediaType", ""),
        config.get("mediaType", ""),
        config.get("digest", ""),
        tuple(layer["digest"] for layer in layers),
        tuple((entry["digest"], entry["size"]) for entry in ([config] if config else []) + layers),
    )


class ImageStore:
    """The folder. Manifests are Docker's own (schema 2): SageMaker takes no other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = folder / "blobs"
        self._built = folder / "built"

    def blob(self, digest: str) -> Path:
        """Return where a blob is."""
        return self._blobs / digest.removeprefix("sha256:")

    def find(self, tag: str) -> bytes | None:
        """Return the manifest of a tag that was built and is whole, else None."""
        try:
            manifest = self._path(tag).read_bytes()
        except OSError:
            return None
        return (
            manifest
            if all(self.blob(digest).is_file() for digest, _ in parsed_manifest(manifest).blobs)
            else None
        )

    def name(self, tag: str, name: str) -> bool:
        """Give a built tag another name; False where there is no such tag."""
        manifest = self.find(tag)
        if manifest is not None and tag != name:
            _write(self._path(name), manifest)
        return manifest is not None

    def keep(self, tag: str, config: bytes, config_type: str, layers: list[tuple[str, str]]) -> bytes:
        """Keep what was built: its config, and its layers as (digest, media type). Return the manifest."""
        digest = self.add(config)
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": self._described(digest, config_type),
                "layers": [self._described(layer, media_type) for layer, media_type in layers],
            }
        ).encode()
        _write(self._path(tag), manifest)
        self._prune()
        return manifest

    def add(self, content: bytes) -> str:
        """Keep some bytes, and return their digest."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        _write(self.blob(digest), content)
        return digest

    def add_image(self, tag: str, archive: IO[bytes]) -> bytes:
        """Keep what `docker save` or `podman save` writes, read as it comes. Return the manifest."""
        found: dict[str, str] = {}
        listing: list[dict[str, Any]] = []
        with tarfile.open(fileobj=archive, mode="r|") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None:
                    continue
                if member.name == "manifest.json":
                    listing = json.load(content)
                else:
                    found[member.name] = self._add_stream(content)
        saved = listing[0]
        config = self.blob(found[saved["Config"]]).read_bytes()
        return self.keep(tag, config, CONFIG, [(found[layer], LAYER) for layer in saved["Layers"]])

    def read_json(self, name: str) -> dict[str, Any]:
        """Return what is noted under a name."""
        try:
            noted = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return noted if isinstance(noted, dict) else {}

    def write_json(self, name: str, noted: Mapping[str, Any]) -> None:
        """Note something under a name, for this user's eyes alone."""
        _write(self.folder / name, json.dumps(noted).encode())

    def _add_stream(self, content: IO[bytes]) -> str:
        self._blobs.mkdir(parents=True, exist_ok=True)
        staging = self._blobs / f".{uuid.uuid4().hex}"
        digest = hashlib.sha256()
        with staging.open("wb") as target:
            while block := content.read(_BLOCK):
                digest.update(block)
                target.write(block)
        staging.rename(self._blobs / digest.hexdigest())
        return "sha256:" + digest.hexdigest()

    def _described(self, digest: str, media_type: str) -> dict[str, Any]:
        return {"mediaType": media_type, "size": self.blob(digest).stat().st_size, "digest": digest}

    def _path(self, tag: str) -> Path:
        return self._built / quote(tag, safe="")

    def _prune(self) -> None:
        """Keep the newest builds, and only the blobs that they name."""
        with exclusive(self.folder / ".prune.lock"):
            written = [path for path in self._built.iterdir() if not path.name.startswith(".")]
            newest = sorted(written, key=lambda path: path.stat().st_mtime, reverse=True)
            kept: dict[bytes, None] = {}
            for path in newest:
                manifest = path.read_bytes()
                if manifest in kept or len(kept) < _KEPT:
                    kept[manifest] = None
                else:
                    path.unlink()
            named = {
                digest.removeprefix("sha256:")
                for manifest in kept
                for digest, _ in parsed_manifest(manifest).blobs
            }
            for blob in self._blobs.iterdir():
                # A younger one may belong to a build that goes on now.
                if blob.name not in named and blob.stat().st_mtime < time.time() - _YOUNG_S:
                    blob.unlink()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_name(f".{uuid.uuid4().hex}")
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
    staging.replace(path)
