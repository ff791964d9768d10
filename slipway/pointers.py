"""A model in S3: which versions the bucket holds, and the pointer that says which one answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slipway.aws import Aws
from slipway.functions import Held, published, try_version
from stacks.storage import current_pointer_key, models_prefix, pointer_key

_POINTER_FILE = "pointer.json"


def in_s3(aws: Aws, outputs: Mapping[str, str]) -> bool:
    """Whether the version of a function that answers has its model from S3."""
    found = aws.client("lambda").get_function_configuration(
        FunctionName=outputs["FunctionName"], Qualifier=outputs["AliasName"]
    )
    return "SLIPWAY_MODEL_POINTER" in found.get("Environment", {}).get("Variables", {})


def versions_of(aws: Aws, model: str, outputs: Mapping[str, str]) -> list[Held]:
    """Return what can answer, the newest first: models in S3, or versions of the function with one inside."""
    if in_s3(aws, outputs):
        return held(aws, aws.outputs()["BucketName"], model)
    return published(aws, outputs)


def held(aws: Aws, bucket: str, model: str) -> list[Held]:
    """Return the versions of a model that a stage's bucket holds, the newest first."""
    prefix = models_prefix(model)
    pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    now = current(aws, bucket, model).get("version")
    found = [
        (item["LastModified"], str(item["Key"]).removeprefix(prefix).partition("/")[0])
        for page in pages
        for item in page.get("Contents", [])
        if str(item["Key"]).endswith(f"/{_POINTER_FILE}")
    ]
    return [
        Held(version, version, date.isoformat(timespec="seconds"), version == now)
        for date, version in sorted(found, reverse=True)
    ]


def current(aws: Aws, bucket: str, model: str) -> dict[str, str]:
    """Return the pointer in force; nothing where it is missing or no pointer."""
    s3 = aws.client("s3")
    try:
        pointer = _read(s3, bucket, current_pointer_key(model))
    except (s3.exceptions.NoSuchKey, ValueError):
        return {}
    return pointer if isinstance(pointer, dict) else {}


def point_at(aws: Aws, outputs: Mapping[str, str], bucket: str, model: str, version: str) -> None:
    """Put another version into force, once a running function has shown that it can answer with it.

    Raises:
        VersionRefused: it does not load or answers wrongly; the pointer is as before then.
    """
    s3 = aws.client("s3")
    pointer = _read(s3, bucket, pointer_key(model, version))
    try_version(aws, outputs["FunctionName"], outputs["AliasName"], pointer)
    body = json.dumps(pointer, sort_keys=True).encode()
    s3.put_object(Bucket=bucket, Key=current_pointer_key(model), Body=body, ContentType="application/json")


def _read(s3: Any, bucket: str, key: str) -> dict[str, str]:
    pointer: dict[str, str] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return pointer
