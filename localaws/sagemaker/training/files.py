"""Moves a job's files between S3 and its hosts, under the role's rights."""

import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from localaws.ports import AccessDeniedError, Credentials, NotFoundError, ObjectStore
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.training import failures
from localaws.sagemaker.training.channels import Channel, Item, items_of_manifest, items_of_prefix
from localaws.sagemaker.training.s3_uri import S3Uri

_STORE_ERRORS = (AccessDeniedError, NotFoundError, OSError)


@dataclass(frozen=True)
class JobFiles:
    """S3 as the job's role may use it. Whatever it may not raises JobError with the reason."""

    store: ObjectStore
    session: Credentials
    role_arn: str
    region: str
    kms_key: str | None

    def items(self, channel: Channel, scratch: Path) -> list[Item]:
        """Return a channel's objects; `scratch` takes a manifest while it is read."""
        found = self._manifest(channel, scratch) if channel.is_manifest else self.listed(channel.uri)
        if not found:
            raise failures.of_empty_channel(channel.uri, self.role_arn, self.region)
        return found

    def listed(self, prefix: S3Uri) -> list[Item]:
        """Return the objects under a prefix. A bucket that may not be listed looks empty, as on AWS."""
        try:
            found = self.store.list(prefix.bucket, prefix.key, self.session)
        except (AccessDeniedError, NotFoundError):
            return []
        return items_of_prefix(prefix, [entry.key for entry in found])

    def download(self, items: Sequence[Item], folder: Path) -> None:
        """Write objects below a folder, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        for item in items:
            target = (folder / item.path).resolve()
            try:
                if not target.is_relative_to(folder.resolve()):
                    raise OSError(f"its name {item.path} leads out of the folder")
                target.parent.mkdir(parents=True, exist_ok=True)
                self.store.download(item.uri.bucket, item.uri.key, target, self.session)
            except _STORE_ERRORS as error:
                raise failures.of_download(item.uri, error) from error

    def upload(self, file: Path, uri: S3Uri) -> None:
        """Store one file."""
        try:
            self.store.upload(uri.bucket, uri.key, file, self.session, kms_key=self.kms_key)
        except _STORE_ERRORS as error:
            raise failures.of_upload(uri, error) from error

    def upload_each(self, folders: Sequence[Path], uri: S3Uri) -> None:
        """Store the files of all hosts one by one."""
        for name, file in merged(folders):
            self.upload(file, uri.below(name))

    def upload_archive(self, folders: Sequence[Path], archive: Path, uri: S3Uri) -> None:
        """Store the files of all hosts as one tar.gz, which `archive` holds meanwhile; nothing of none."""
        with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
            entries = list(merged(folders))
            for name, file in entries:
                tar.add(file, name)
        if entries:
            self.upload(archive, uri)
        archive.unlink()

    def _manifest(self, channel: Channel, scratch: Path) -> list[Item]:
        self.download([Item(channel.uri, "manifest")], scratch)
        try:
            return items_of_manifest(json.loads((scratch / "manifest").read_text()))
        except (ValueError, ApiError) as error:
            raise failures.of_download(channel.uri, error) from error
        finally:
            (scratch / "manifest").unlink()


def merged(folders: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """Return (name, file) of all folders as if they were one; of files of one name, the first folder's."""
    seen: set[str] = set()
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder).as_posix()
            if file.is_file() and name not in seen:
                seen.add(name)
                yield name, file
