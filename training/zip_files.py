"""Zip files whose bytes depend on names and contents alone."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

# The oldest time that a zip file can say.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_FILE_MODE, _PROGRAM_MODE = 0o100644, 0o100755


def write_zip(target: Path, files: Mapping[str, Path | bytes], executable: Collection[str] = ()) -> None:
    """Write a zip file: sorted, without times, every file readable by all. It is on the disk on return.

    Args:
        target: the file to write.
        files: by name in the zip file, a path or the content itself.
        executable: the names of those that can be run.
    """
    with target.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, content in sorted(files.items()):
                entry = zipfile.ZipInfo(name, _NO_TIME)
                entry.compress_type = zipfile.ZIP_DEFLATED
                mode = _PROGRAM_MODE if name in executable else _FILE_MODE
                entry.create_system, entry.external_attr = 3, mode << 16
                zipped.writestr(entry, content if isinstance(content, bytes) else content.read_bytes())
        file.flush()
        os.fsync(file.fileno())


def files_of(folder: Path, prefix: str = "") -> dict[str, Path | bytes]:
    """Return a folder's files by name, with a prefix such as `python/`."""
    return {f"{prefix}{p.relative_to(folder).as_posix()}": p for p in folder.rglob("*") if p.is_file()}


def unpacked_bytes(*zips: Path) -> int:
    """Return how large what zip files hold is once it is unpacked, in bytes."""
    total = 0
    for path in zips:
        with zipfile.ZipFile(path) as zipped:
            total += sum(entry.file_size for entry in zipped.infolist())
    return total
