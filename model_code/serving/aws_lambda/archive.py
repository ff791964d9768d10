"""An archive out of S3, unpacked under /tmp once for each version."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ..errors import NotVerified

# /tmp has 512 MB where a function asks for no more, and a change of models needs two of them for a moment.
_MOST_PACKED_BYTES = 250 << 20
_MOST_UNPACKED_BYTES = 500 << 20
_MOST_MEMBERS = 10_000
_CHUNK_BYTES = 1 << 20

Get = Callable[[str], Any]
"""Returns what S3's GetObject does for a key."""


class Body(Protocol):
    """An object's bytes on their way."""

    def read(self, amt: int) -> bytes:
        """Return some of them; none at the end."""
        ...


class TooLarge(Exception):
    """The archive is larger than what a function takes."""


def unpacked(cache: Path, archive: str, sha256: str, get: Get, in_time: Callable[[], None]) -> Path:
    """Return the folder that holds an archive's files.

    Args:
        cache: the folder for all of them; an archive that is there already is not fetched.
        archive: its key.
        sha256: of the archive; nothing of another one is unpacked.
        get: fetches an object.
        in_time: raises when it has taken too long.

    Raises:
        NotVerified: the archive has another sha256.
        TooLarge: it has, packed or unpacked.
        Exception: whatever `get` and `in_time` raise; OSError, tarfile.TarError.
    """
    folder = cache / sha256
    if folder.is_dir():
        return folder
    making = cache / f".making-{os.getpid()}"
    shutil.rmtree(making, ignore_errors=True)  # of a process that was ended meanwhile
    making.mkdir(parents=True)
    try:
        _fetch(get(archive), making / "model.tar.gz", archive, sha256, in_time)
        _unpack(making / "model.tar.gz", making / "model")
        (making / "model").rename(folder)  # in one step: another process sees all of it or nothing
    except OSError:
        if not folder.is_dir():  # another process was faster
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def keep_only(cache: Path, sha256: str) -> None:
    """Remove every archive's folder but one."""
    for folder in cache.iterdir():
        if folder.name != sha256:
            shutil.rmtree(folder, ignore_errors=True)


def remove(cache: Path, sha256: str) -> None:
    """Remove an archive's folder."""
    shutil.rmtree(cache / sha256, ignore_errors=True)


def _fetch(found: dict[str, Any], file: Path, archive: str, sha256: str, in_time: Callable[[], None]) -> None:
    if found["ContentLength"] > _MOST_PACKED_BYTES:
        raise TooLarge(f"{archive} has {found['ContentLength']} bytes; {_MOST_PACKED_BYTES} are taken")
    body: Body = found["Body"]
    actual, size = hashlib.sha256(), 0
    with file.open("wb") as output:
        while chunk := body.read(_CHUNK_BYTES):
            in_time()
            size += len(chunk)
            if size > _MOST_PACKED_BYTES:
                raise TooLarge(f"{archive} has over {_MOST_PACKED_BYTES} bytes")
            actual.update(chunk)
            output.write(chunk)
    if actual.hexdigest() != sha256:
        raise NotVerified(
            f"{archive} has sha256 {actual.hexdigest()[:12]}…, and the pointer says {sha256[:12]}…."
        )


def _unpack(file: Path, folder: Path) -> None:
    with tarfile.open(file, "r:gz") as tar:
        size = 0
        for number, member in enumerate(tar, start=1):
            size += member.size
            if size > _MOST_UNPACKED_BYTES or number > _MOST_MEMBERS:
                raise TooLarge(
                    f"the archive holds over {_MOST_UNPACKED_BYTES} bytes or {_MOST_MEMBERS} files"
                )
            tar.extract(member, folder, filter="data")
