"""What a training job reads, in the stage's bucket: its channels, and in script mode the script."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from stacks import storage
from stacks.settings import ModelSettings
from stacks.training_job import is_algorithm, training_code
from training.channels import TRAINING_CHANNELS, write_channels
from training.data import Dataset
from training.fit import Progress
from training.split import Split

from .place import Place

_ABSENT = ("404", "NoSuchKey", "NotFound")


@dataclass(frozen=True)
class Inputs:
    """What a job trains on.

    Args:
        version: of the data: 12 hex digits of a hash over every channel's files.
        channels: of those that the job gets, the addresses s3://bucket/prefix/, by name.
        code: the packed script; None for the built-in algorithm.
    """

    version: str
    channels: Mapping[str, str]
    code: bytes | None


def upload_inputs(
    place: Place, settings: ModelSettings, dataset: Dataset, parts: Split, *, progress: Progress
) -> Inputs:
    """Bring the channels into the bucket, where they are not there already.

    Their prefix has a hash of their content, so that a second training finds them, and one with other rows or
    another split cannot disturb a job that is running. A copy is left where scheduled trainings look.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-channels-") as folder:
        files = _files(settings, write_channels(settings, dataset, parts, Path(folder)))
        version = _version(files)
        s3 = place.client("s3")
        sent = sum(_upload(s3, place.bucket, settings.name, version, files))
        _point_current(s3, place.bucket, settings.name, version, files)
    progress(f"data {version}: {f'{sent} files uploaded' if sent else 'there already'}")
    return _inputs(place, settings, version, files)


def present_inputs(place: Place, settings: ModelSettings, dataset: Dataset, parts: Split) -> Inputs:
    """Return what a job would train on if it were started now; nothing is uploaded."""
    with tempfile.TemporaryDirectory(prefix="slipway-channels-") as folder:
        files = _files(settings, write_channels(settings, dataset, parts, Path(folder)))
        return _inputs(place, settings, _version(files), files)


def is_there(s3: Any, bucket: str, key: str) -> bool:
    """Whether an object exists."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return False
        raise
    return True


def _inputs(
    place: Place, settings: ModelSettings, version: str, files: Mapping[str, Sequence[Path]]
) -> Inputs:
    channels = {
        name: storage.uri(place.bucket, storage.data_prefix(settings.name, name, version))
        for name in TRAINING_CHANNELS
        if files.get(name)
    }
    builtin = is_algorithm(settings)
    return Inputs(version, channels, None if builtin else training_code(settings))


def _files(settings: ModelSettings, channels: Mapping[str, Path]) -> dict[str, list[Path]]:
    """Return each channel's files. For several hosts of the built-in algorithm there are several to share."""
    hosts = settings.train.instance_count
    if is_algorithm(settings) and hosts > 1:
        _cut(channels["train"] / "train.csv", hosts)
    return {name: sorted(folder.iterdir()) for name, folder in channels.items()}


def _cut(path: Path, parts: int) -> None:
    """Cut a file without a header into parts of equally many lines, in order."""
    lines = path.read_bytes().splitlines(keepends=True)
    for number in range(parts):
        part = lines[len(lines) * number // parts : len(lines) * (number + 1) // parts]
        (path.parent / f"{path.stem}-{number:05}{path.suffix}").write_bytes(b"".join(part))
    path.unlink()


def _version(files: Mapping[str, Sequence[Path]]) -> str:
    digest = hashlib.sha256()
    for name, paths in sorted(files.items()):
        for path in paths:
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{name}/{path.name}\0{content}\n".encode())
    return storage.data_version(digest.hexdigest())


def _upload(
    s3: Any, bucket: str, model: str, version: str, files: Mapping[str, Sequence[Path]]
) -> list[bool]:
    sent = []
    for channel, paths in files.items():
        for path in paths:
            key = storage.data_prefix(model, channel, version) + path.name
            absent = not is_there(s3, bucket, key)
            if absent:
                s3.upload_file(str(path), bucket, key)
            sent.append(absent)
    return sent


def _point_current(
    s3: Any, bucket: str, model: str, version: str, files: Mapping[str, Sequence[Path]]
) -> None:
    """Make `current` hold exactly these files, copied within the bucket."""
    for channel in storage.CHANNELS:
        prefix = storage.data_prefix(model, channel)
        wanted = {path.name for path in files.get(channel, ())}
        for name in sorted(wanted):
            source = storage.data_prefix(model, channel, version) + name
            s3.copy({"Bucket": bucket, "Key": source}, bucket, prefix + name)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for key in [item["Key"] for page in pages for item in page.get("Contents", ())]:
            if key.removeprefix(prefix) not in wanted:
                s3.delete_object(Bucket=bucket, Key=key)
