"""Code and layers on disk: once by content, read-only, for as long as a function uses them."""

import hashlib
import io
import shutil
import subprocess
import threading
import zipfile
from collections import Counter
from pathlib import Path

from localaws.lambda_functions.function import Archive
from localaws.sagemaker.archive import make_removable

_COMPILE_S = 120


class Unpacked:
    """Folders `lambda-code-<hash>` below `folder`. Each `get` needs a `release`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._users: Counter[Path] = Counter()
        self._lock = threading.Lock()

    def get(self, archive: Archive, python: Path) -> Path:
        """Return the folder of an archive, with bytecode for `python`, so that no start compiles again."""
        name = hashlib.sha256(archive.sha256.encode()).hexdigest()[:16]
        target = self._folder / f"lambda-code-{name}"
        with self._lock:
            if not target.is_dir():
                _unpack(archive, target, python)
            self._users[target] += 1
        return target

    def release(self, target: Path) -> None:
        """Remove the folder once its last user has released it."""
        with self._lock:
            self._users[target] -= 1
            if self._users[target] <= 0:
                del self._users[target]
                make_removable(target)
                shutil.rmtree(target, ignore_errors=True)


def _unpack(archive: Archive, target: Path, python: Path) -> None:
    staging = target.with_suffix(".part")
    shutil.rmtree(staging, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as content:
        content.extractall(staging)
    subprocess.run(
        [python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", staging],
        capture_output=True, timeout=_COMPILE_S, check=False,
    )  # fmt: skip
    for path in (*staging.rglob("*"), staging):
        path.chmod(0o555 if path.is_dir() else 0o444)
    staging.rename(target)
