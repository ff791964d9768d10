"""What is built of an artifact for its target, `.slipway/packages/`.

A package is named by a sha256 of all that it is built from, and appears in one rename: after a crash there is
the old one or none.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .artifact import Artifact

# How bytes are laid out decides what comes out as much as the bytes do.
MAKERS = tuple(Path(__file__).with_name(name) for name in ("packages.py", "zip_files.py"))


@contextmanager
def building(packages: Path) -> Iterator[Path]:
    """Give a folder to build in, one builder at a time; what a killed one left is removed."""
    packages.mkdir(parents=True, exist_ok=True)
    with (packages / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for abandoned in packages.glob(".new-*"):
            shutil.rmtree(abandoned)
        staging = Path(tempfile.mkdtemp(prefix=".new-", dir=packages))
        try:
            yield staging
        finally:
            shutil.rmtree(staging)


def packages_of(root: Path) -> Path:
    """Return the folder that packages are in."""
    return root / ".slipway" / "packages"


def digest(inputs: Mapping[str, bytes]) -> str:
    """Return what names a package: 16 hex digits of a sha256 over its inputs' names and contents."""
    sha256 = hashlib.sha256()
    for name, content in sorted(inputs.items()):
        sha256.update(f"{name}\0{len(content)}\0".encode() + content)
    return sha256.hexdigest()[:16]


def model_files(artifact: Artifact) -> dict[str, bytes]:
    """Return the files of an artifact's archive."""
    with tarfile.open(artifact.archive, "r:gz") as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}  # type: ignore[union-attr]


def in_mb(size: int) -> str:
    """Return a size in bytes as people read it."""
    return f"{size / 1024 / 1024:,.1f} MB"
