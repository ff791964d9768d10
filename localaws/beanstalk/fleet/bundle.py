"""Unpacks a source bundle without trusting what is in it."""

import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

MAX_BYTES = 512 * 1024 * 1024  # of the zip: what Beanstalk takes
_MAX_UNPACKED_BYTES = 4 * MAX_BYTES
_MAX_FILES = 50_000


class BadBundleError(Exception):
    """The bundle is no zip file, or holds what must not be unpacked."""


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a bundle into the new folder `folder`. Raises BadBundleError.

    Links are left out of consideration by refusing them: one may lead out of the folder.
    """
    if archive.stat().st_size > MAX_BYTES:
        raise BadBundleError(f"the source bundle is larger than {MAX_BYTES >> 20} MB")
    try:
        with zipfile.ZipFile(archive) as bundle:
            entries = bundle.infolist()
            _check_size(entries)
            folder.mkdir(parents=True)
            for entry in entries:
                _extract(bundle, entry, folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise BadBundleError(f"the source bundle is not a valid zip file: {error}") from error


def _check_size(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > _MAX_FILES:
        raise BadBundleError(f"the source bundle has more than {_MAX_FILES} files")
    if sum(entry.file_size for entry in entries) > _MAX_UNPACKED_BYTES:
        raise BadBundleError(f"the source bundle is larger than {_MAX_UNPACKED_BYTES >> 20} MB once unpacked")


def _extract(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
        raise BadBundleError(f"the source bundle has a path outside itself: {entry.filename}")
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode) or (stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR)):
        raise BadBundleError(f"the source bundle has an entry that is no file or folder: {entry.filename}")
    target = folder.joinpath(*path.parts)
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with bundle.open(entry) as source, target.open("xb") as sink:  # reads no more than the size it declares
        shutil.copyfileobj(source, sink)
    if mode & stat.S_IXUSR:
        target.chmod(0o755)
