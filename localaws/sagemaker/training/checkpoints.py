"""Keeps the checkpoints of a job's hosts in S3: fetched at the start, stored while they change."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from localaws.sagemaker.training.failures import JobError
from localaws.sagemaker.training.files import JobFiles, merged
from localaws.sagemaker.training.request import Checkpoints


class CheckpointSync:
    """All hosts share one place in S3, and of files of one name there the first host's counts."""

    def __init__(self, checkpoints: Checkpoints, bases: Sequence[Path], files: JobFiles) -> None:
        self._uri = checkpoints.uri
        self._folders = [base / checkpoints.folder for base in bases]
        self._files = files
        self._stored: dict[str, tuple[int, int]] = {}

    def fetch(self) -> None:
        """Give every host what an earlier job left. Raises JobError."""
        found = self._files.listed(self._uri)
        for folder in self._folders:
            self._files.download(found, folder)
        self._stored = {name: _version(file) for name, file in merged(self._folders)}

    def store(self) -> None:
        """Send what changed since the last time. Files that were removed stay in S3. Raises JobError.

        A file that goes while it is looked at is a script's temporary one, and the next time is soon.
        """
        with suppress(FileNotFoundError):
            for name, file in list(merged(self._folders)):
                version = _version(file)
                if self._stored.get(name) != version:
                    self._send(name, file)
                    self._stored[name] = version

    def _send(self, name: str, file: Path) -> None:
        try:
            self._files.upload(file, self._uri.below(name))
        except JobError as error:
            if not file.exists():
                raise FileNotFoundError(file) from error
            raise


def _version(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size
