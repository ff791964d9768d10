"""Rows in an object of S3 that a body names, as `{"s3_uri": "s3://bucket/key"}`, where that is allowed."""

from __future__ import annotations

import re
from typing import Any

from ..errors import RequestError
from ..media import CSV, JSON, JSON_LINES, NPY
from ..strict_json import loads
from .invocations import Fetch
from .settings import ServerSettings

_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", re.DOTALL)
_BY_NAME = {".csv": CSV, ".json": JSON, ".jsonl": JSON_LINES, ".npy": NPY}


def fetcher(settings: ServerSettings, client: Any = None) -> Fetch:
    """Return what reads such objects, under the container's role.

    Args:
        settings: the prefixes that are allowed, and how large an object may be.
        client: an S3 client; default: boto3's, made at the first request.
    """
    clients = [client] if client is not None else []

    def fetch(body: bytes) -> tuple[bytes, str | None] | None:
        try:
            value = loads(body)
        except ValueError:
            return None
        if not isinstance(value, dict) or value.keys() != {"s3_uri"}:
            return None
        uri = value["s3_uri"]
        bucket, key = _allowed(uri, settings.s3_prefixes)
        if not clients:
            clients.append(_client())
        return _read(clients[0], uri, bucket, key, settings.max_body_bytes)

    return fetch


def _allowed(uri: Any, prefixes: tuple[str, ...]) -> tuple[str, str]:
    match = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if match is None:
        raise RequestError(
            "invalid_s3_uri", f"s3_uri is {str(uri)[:100]!r}.", hint="Write it as s3://bucket/key."
        )
    # A prefix ends at a slash: s3://bucket/in must not open s3://bucket/inside; and what a library on the way
    # might shorten must not leave it: s3://bucket/in/../other.
    inside = not {".", ".."}.intersection(match[2].split("/"))
    if not inside or not any(uri.startswith(prefix.rstrip("/") + "/") for prefix in prefixes):
        raise RequestError(
            "s3_uri_not_allowed",
            f"{uri[:200]} is under no prefix that this model may read.",
            status=403,
            hint=f"Allowed: {', '.join(prefixes)}.",
        )
    return match[1], match[2]


def _client() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "max_attempts": 3})
    return boto3.client("s3", config=config)


def _read(client: Any, uri: str, bucket: str, key: str, limit: int) -> tuple[bytes, str | None]:
    import botocore.exceptions

    try:
        found = client.get_object(Bucket=bucket, Key=key)
        if found["ContentLength"] > limit:
            raise RequestError(
                "body_too_large",
                f"{uri[:200]} has {found['ContentLength']} bytes, and {limit} are allowed.",
                status=413,
            )
        content: bytes = found["Body"].read()
    except botocore.exceptions.ClientError as error:
        code = str(error.response["Error"]["Code"])
        raise RequestError(
            "s3_uri_not_readable",
            f"{uri[:200]} cannot be read: {code}.",
            hint="Is the object there, and may the model's role read it?",
        ) from None
    by_name = next((kind for ending, kind in _BY_NAME.items() if key.lower().endswith(ending)), None)
    return content, by_name or found.get("ContentType")
