"""Puts a model into the stage's bucket for its function: the archive, and later the pointer to it."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from typing import Any

import botocore.config
import botocore.exceptions
import botocore.session

_MAX_REASON = 1000  # CloudFormation takes 4096 bytes for the whole answer
# Rights that were given a moment ago may not hold yet.
_PATIENCE_S, _PAUSE_S = 60, 5
_CONFIG = botocore.config.Config(read_timeout=120)


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation as a custom resource does, whatever happens: it would wait for an hour."""
    status, reason = "SUCCESS", ""
    try:
        _patiently(event["RequestType"], event["ResourceProperties"])
    except Exception as error:
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:_MAX_REASON]
    answer = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": "Model",
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")  # noqa: S310
    request.add_header("Content-Type", "")  # the URL is signed without one
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - CloudFormation's own URL


def _patiently(request: str, properties: dict[str, Any]) -> None:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return _do(request, properties)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied" or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)


def _do(request: str, properties: dict[str, Any]) -> None:
    session = botocore.session.get_session()
    client = session.create_client("s3", region_name=os.environ["AWS_REGION"], config=_CONFIG)
    where = {"Bucket": properties["Bucket"], "ExpectedBucketOwner": properties["Owner"]}
    if request == "Delete":
        if "EmptiedPrefix" in properties:
            _empty(client, where, properties["EmptiedPrefix"])
    elif "Pointer" in properties:
        for key in properties["Keys"]:  # the one in force is the last
            pointer = properties["Pointer"].encode()
            client.put_object(**where, Key=key, Body=pointer, ContentType="application/json")
    else:
        source = {"Bucket": properties["SourceBucket"], "Key": properties["SourceKey"]}
        client.copy_object(**where, Key=properties["Key"], CopySource=source, TaggingDirective="REPLACE")


def _empty(client: Any, where: dict[str, str], prefix: str) -> None:
    """Delete every version of every object under a prefix."""
    for page in client.get_paginator("list_object_versions").paginate(**where, Prefix=prefix):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        objects = [{name: version[name] for name in ("Key", "VersionId")} for version in found]
        if objects:
            failed = client.delete_objects(**where, Delete={"Objects": objects, "Quiet": True}).get("Errors")
            if failed:
                raise RuntimeError(f"{failed[0]['Key']}: {failed[0].get('Message')}")
