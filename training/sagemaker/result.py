"""What a training job left: one file out of its model.tar.gz. Nothing is unpacked to the disk."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import PurePosixPath
from typing import IO, Any

from slipway.errors import TrainingFailed

# Of the archive, and of all that is in it. A model of more than this is not served by what we deploy.
LARGEST_ARCHIVE = 2 * 1024**3
LARGEST_CONTENT = 8 * 1024**3


def fetch_model(s3: Any, uri: str, file: str, *, job: str, account: str) -> bytes:
    """Return one file of a job's archive.

    Args:
        s3: a boto3 client.
        uri: of the archive, s3://bucket/key, in a bucket with versions.
        file: the file's name, at the top of the archive.
        job: the job's name.
        account: the job's account, which owns the bucket.

    Raises:
        TrainingFailed: the archive was written again after the job, is too large, is no tar.gz, or does not
            have the file.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    owned = {"Bucket": bucket, "ExpectedBucketOwner": account}
    version = _only_version(s3, owned, key, job=job)
    answer = s3.get_object(**owned, Key=key, VersionId=version)
    if answer["ContentLength"] > LARGEST_ARCHIVE:
        answer["Body"].close()
        raise TrainingFailed(
            f"The model of {job} has {answer['ContentLength'] / 1e9:.1f} GB packed.",
            why=f"More than {LARGEST_ARCHIVE / 1e9:.1f} GB are not brought here.",
            fix=f"It stays at {uri}. Train a smaller model.",
        )
    with tempfile.TemporaryFile() as archive:
        shutil.copyfileobj(answer["Body"], archive)
        archive.seek(0)
        return read_model(archive, file, job=job)


def _only_version(s3: Any, owned: dict[str, str], key: str, *, job: str) -> str:
    """Return the id of the one version of an object that a job wrote, and refuse what was written twice.

    A model file of scikit-learn runs code when it is loaded, so it has to be the one that the job left.
    """
    pages = s3.get_paginator("list_object_versions").paginate(**owned, Prefix=key)
    found = [
        str(item["VersionId"])
        for page in pages
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        if item["Key"] == key
    ]
    if len(found) == 1:
        return found[0]
    raise TrainingFailed(
        f"The model of {job} was {'written again or deleted' if found else 'taken away'} after the job.",
        why=f"s3://{owned['Bucket']}/{key} has {len(found)} versions. A job writes it once, and nothing "
        "that somebody else may have written is loaded here.",
        fix="Find out who writes into the bucket, and train again.",
    )


def read_model(archive: IO[bytes], file: str, *, job: str) -> bytes:
    """Return one file at the top of a tar.gz.

    Raises:
        TrainingFailed: it is no tar.gz, holds too much, or does not have the file as a plain one.
    """
    names: list[str] = []
    found: bytes | None = None
    total = 0
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as tar:
            for member in tar:
                total += member.size
                if total > LARGEST_CONTENT:
                    raise TrainingFailed(
                        f"The model of {job} has more than {LARGEST_CONTENT / 1e9:.0f} GB unpacked.",
                        fix="Train a smaller model.",
                    )
                name = PurePosixPath(member.name).as_posix()
                if not member.isdir():
                    names.append(name)
                content = tar.extractfile(member) if name == file and member.isfile() else None
                found = content.read() if content else found
    except (tarfile.TarError, EOFError, OSError) as error:
        raise TrainingFailed(
            f"What {job} left is no tar.gz: {error}", fix="Train again; the file was cut or changed."
        ) from None
    if found is None:
        raise TrainingFailed(
            f"{job} left no {file}.",
            why=f"Its archive has: {', '.join(names[:20]) or 'nothing'}.",
            fix=f"A training has to write {file} into the folder that SM_MODEL_DIR names.",
        )
    return found
