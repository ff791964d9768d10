"""Unpacks model archives the way SageMaker does, without trusting what is in them."""

import stat
import tarfile
from pathlib import Path

_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class BadArchiveError(Exception):
    """The archive is no gzip tar file, or holds what must not be unpacked."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a gzip tar file into `folder` and make all of it read-only. Raises BadArchiveError.

    The file's name says nothing: CDK uploads model.tar.gz under a key that ends in .gz alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")  # refuses links and paths that lead out of the folder
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BadArchiveError(str(error)) from error
    read_only(folder)


def read_only(folder: Path) -> None:
    """Take the write bits of a folder and of all in it."""
    for path in (*folder.rglob("*"), folder):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~_WRITE_BITS)


def make_removable(folder: Path) -> None:
    """Give the folders of an unpacked archive their write bit back, so that their files can be removed."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
