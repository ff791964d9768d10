"""Which objects of S3 a job reads, and where the output of each goes."""

import gzip
import json
import re
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.ports import AccessDeniedError, Credentials, NotFoundError, ObjectStore
from localaws.sagemaker.transform.failures import CLIENT, FileError, JobError

_URI = re.compile(r"(?:s3|https)://(?P<bucket>[^/]+)/?(?P<key>.*)")


@dataclass(frozen=True)
class InputFile:
    """One object, and its name below the output path, without the suffix."""

    bucket: str
    key: str
    name: str

    @property
    def shown(self) -> str:
        """How a job's data log calls it."""
        return f"{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Inputs:
    """The input of a job: a prefix, or a manifest that names objects."""

    uri: str
    manifest: bool
    gzip: bool

    def find(
        self, objects: ObjectStore, session: Credentials, role_arn: str, folder: Path
    ) -> list[InputFile]:
        """Return the objects in the order of their keys, or of the manifest. Raises JobError."""
        try:
            found = self._named(objects, session, folder) if self.manifest else self._under(objects, session)
        except (AccessDeniedError, NotFoundError) as error:
            raise JobError(self._none(role_arn, f" Error message from S3: {error}")) from error
        if not found:
            raise JobError(self._none(role_arn))
        return found

    def fetch(self, file: InputFile, target: Path, objects: ObjectStore, session: Credentials) -> None:
        """Write an object's content to `target`, decompressed. Raises FileError."""
        try:
            objects.download(file.bucket, file.key, target, session)
        except (AccessDeniedError, NotFoundError) as error:
            raise FileError(CLIENT, f"Failed to download s3://{file.shown}: {error}") from error
        if self.gzip:
            packed = target.with_suffix(".gz")
            target.rename(packed)
            try:
                with gzip.open(packed) as source, target.open("wb") as plain:
                    shutil.copyfileobj(source, plain, 1 << 20)
            except (OSError, EOFError, zlib.error) as error:
                raise FileError(
                    CLIENT, f"CompressionType is Gzip and s3://{file.shown} is not: {error}"
                ) from error
            finally:
                packed.unlink()

    def _under(self, objects: ObjectStore, session: Credentials) -> list[InputFile]:
        bucket, prefix = bucket_and_key(self.uri)
        keys = [entry.key for entry in objects.list(bucket, prefix, session) if not entry.key.endswith("/")]
        return [InputFile(bucket, key, _relative(key, prefix)) for key in keys]

    def _named(self, objects: ObjectStore, session: Credentials, folder: Path) -> list[InputFile]:
        target = folder / "manifest"
        objects.download(*bucket_and_key(self.uri), target, session)
        try:
            entries = json.loads(target.read_bytes())
            prefix, names = _entries(entries)
        except (ValueError, KeyError, TypeError) as error:
            raise JobError(
                f"{CLIENT}: The manifest {self.uri} is not a JSON list of an object with the key prefix, and "
                f"of relative paths: {error}"
            ) from error
        finally:
            target.unlink()
        bucket, start = bucket_and_key(prefix)
        return [InputFile(bucket, start + name, name.lstrip("/")) for name in names]

    def _none(self, role_arn: str, cause: str = "") -> str:
        bucket, _ = bucket_and_key(self.uri)
        return (
            f'{CLIENT}: Data download failed:No S3 objects found under S3 URL "{self.uri}" given in input '
            "data source. Please ensure that the bucket exists in the selected region, that objects exist "
            f'under that S3 prefix, and that the role "{role_arn}" has "s3:ListBucket" permissions on bucket '
            f'"{bucket}".'
            f"{cause}"
        )[:1024]


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Return both parts of an S3 URI; the key may be empty. Raises ValueError."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise ValueError(f"{uri} is not an S3 URI")
    return match["bucket"], match["key"]


def _relative(key: str, prefix: str) -> str:
    """Return a key's path below the folder that a prefix names, or that it begins a name in."""
    folder = f"{prefix}/" if prefix and key.startswith(f"{prefix}/") else prefix.rpartition("/")[0] + "/"
    return key.removeprefix(folder) if folder != "/" else key


def _entries(entries: Any) -> tuple[str, list[str]]:
    head, *names = entries
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError("a path is not a text")
    bucket_and_key(head["prefix"])
    return head["prefix"], names
