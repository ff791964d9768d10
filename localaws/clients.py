"""S3 and CloudWatch Logs as any client reaches them: signed HTTP to this very server, so that IAM decides."""

import base64
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws.ports import AccessDeniedError, Credentials, NotFoundError, Scope, StoredObject

_CHUNK_BYTES = 1 << 20
_MISSING = {"404", "NoSuchKey", "NoSuchBucket", "ResourceNotFoundException", "RepositoryNotFoundException"}


class Loopback:
    """Makes botocore clients for this server. The service models are read once and shared."""

    def __init__(self, url: str, region: str) -> None:
        self._url = url
        self._region = region
        self._session = botocore.session.Session()
        self._lock = threading.Lock()  # a botocore session is not thread-safe, its clients are

    def client(self, service: str, credentials: Credentials, region: str | None = None) -> Any:
        """Return a client that acts with `credentials`."""
        with self._lock:
            return self._session.create_client(
                service,
                region_name=region or self._region,
                endpoint_url=self._url,
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key,
                aws_session_token=credentials.session_token,
                config=Config(
                    proxies={}, retries={"max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=60
                ),
            )


class HttpObjectStore:
    """An ObjectStore over HTTP."""

    def __init__(self, loopback: Loopback) -> None:
        self._loopback = loopback

    def check(self, bucket: str, key: str, credentials: Credentials) -> None:
        """Ask for the first byte, as that needs exactly the rights that a download needs."""
        client = self._loopback.client("s3", credentials)
        with _translated():
            client.get_object(Bucket=bucket, Key=key, Range="bytes=0-0")["Body"].close()

    def download(self, bucket: str, key: str, target: Path, credentials: Credentials) -> None:
        """Stream the object to `target`."""
        client = self._loopback.client("s3", credentials)
        with _translated(), target.open("wb") as file:
            for chunk in client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_CHUNK_BYTES):
                file.write(chunk)

    def list(self, bucket: str, prefix: str, credentials: Credentials) -> Sequence[StoredObject]:
        """Ask for every page of the list."""
        pages = self._loopback.client("s3", credentials).get_paginator("list_objects_v2")
        with _translated():
            return [
                StoredObject(entry["Key"], entry["Size"])
                for page in pages.paginate(Bucket=bucket, Prefix=prefix)
                for entry in page.get("Contents", [])
            ]

    def upload(
        self, bucket: str, key: str, source: Path, credentials: Credentials, *, kms_key: str | None = None
    ) -> None:
        """Send the file in one request."""
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        client = self._loopback.client("s3", credentials)
        with _translated(), source.open("rb") as file:
            client.put_object(Bucket=bucket, Key=key, Body=file, **encryption)


class HttpImageSource:
    """An ImageSource over HTTP."""

    def __init__(self, loopback: Loopback) -> None:
        self._loopback = loopback

    def manifest(self, registry: Scope, repository: str, reference: str, credentials: Credentials) -> bytes:
        """Ask for the image by its tag or digest."""
        client = self._loopback.client("ecr", credentials, registry.region)
        member = "imageDigest" if reference.startswith("sha256:") else "imageTag"
        with _translated():
            images = client.batch_get_image(repositoryName=repository, imageIds=[{member: reference}])[
                "images"
            ]
        if not images:
            raise NotFoundError(f"{repository} has no {reference}")
        return str(images[0]["imageManifest"]).encode()

    def token(self, registry: Scope, credentials: Credentials) -> str:
        """Ask for ECR's password, which stands behind the user name AWS."""
        client = self._loopback.client("ecr", credentials, registry.region)
        with _translated():
            data = client.get_authorization_token()["authorizationData"][0]
        return base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]


class HttpLogSink:
    """A LogSink over HTTP. It makes the stream, and like SageMaker the group, where either is missing.

    `makes_groups` is False for services that write to groups of others: a late line must not make one again.
    """

    def __init__(self, loopback: Loopback, *, makes_groups: bool = True) -> None:
        self._loopback = loopback
        self._makes_groups = makes_groups

    def write(
        self, group: str, stream: str, lines: Sequence[tuple[int, str]], credentials: Credentials
    ) -> None:
        """Append the lines, creating what is missing with the same credentials."""
        client = self._loopback.client("logs", credentials)
        events = [{"timestamp": moment, "message": text} for moment, text in lines]
        with _translated():
            try:
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
            except client.exceptions.ResourceNotFoundException:
                self._create(client, group, stream)
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    def _create(self, client: Any, group: str, stream: str) -> None:
        try:
            client.create_log_stream(logGroupName=group, logStreamName=stream)
        except client.exceptions.ResourceNotFoundException:
            if not self._makes_groups:
                raise
            client.create_log_group(logGroupName=group)
            client.create_log_stream(logGroupName=group, logStreamName=stream)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        text = str(error)
        if error.response["Error"]["Code"] in _MISSING:
            raise NotFoundError(text) from error
        raise AccessDeniedError(text) from error
    except BotoCoreError as error:
        raise ConnectionError(str(error)) from error  # this server is going away
