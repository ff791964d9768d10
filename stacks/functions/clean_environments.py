"""Removes what Beanstalk keeps of environments that are gone: objects in its own bucket, and log groups."""

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
_PATIENT = botocore.config.Config(retries={"mode": "standard", "max_attempts": 10})
_REMEMBERED_S = 42 * 24 * 3600  # so long Beanstalk knows an environment that was terminated
_OBJECTS = "resources/environments/"
# An environment's own objects, and the logs that were asked of its machines.
_PREFIXES = ("", "logs/tail/", "logs/bundle/", "logs/publish/")


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation as a custom resource does, whatever happens: it would wait for an hour."""
    status, reason = "SUCCESS", ""
    try:
        if event["RequestType"] == "Delete":
            _clean(event["ResourceProperties"])
    except Exception as error:
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:_MAX_REASON]
    answer = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": "Cleanup",
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")  # noqa: S310
    request.add_header("Content-Type", "")  # the URL is signed without one
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - CloudFormation's own URL


def _client(service: str) -> Any:
    session = botocore.session.get_session()
    return session.create_client(service, region_name=os.environ["AWS_REGION"], config=_PATIENT)


def _clean(properties: dict[str, Any]) -> None:
    application, names = properties["ApplicationName"], properties["EnvironmentNames"]
    pages = _client("elasticbeanstalk").get_paginator("describe_environments")
    found = pages.paginate(
        ApplicationName=application,
        EnvironmentNames=names,
        IncludeDeleted=True,
        IncludedDeletedBackTo=time.time() - _REMEMBERED_S,
    )
    identities = {environment["EnvironmentId"] for page in found for environment in page["Environments"]}
    s3, where = _client("s3"), {"Bucket": properties["Bucket"], "ExpectedBucketOwner": properties["Owner"]}
    try:
        for identity in identities | _forgotten(s3, where, application):
            for kind in _PREFIXES:
                _empty(s3, where, f"{_OBJECTS}{kind}{identity}/")
    except s3.exceptions.NoSuchBucket:
        pass  # no environment was ever made in this region
    if "LogGroups" in properties:
        logs = _client("logs")
        for prefix in properties["LogGroups"]:
            for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
                for group in page["logGroups"]:
                    logs.delete_log_group(logGroupName=group["logGroupName"])


def _forgotten(s3: Any, where: dict[str, str], application: str) -> set[str]:
    """Return the ids of all environments that have a copy of a version of the application, however old."""
    pages = s3.get_paginator("list_objects_v2").paginate(**where, Prefix=f"{_OBJECTS}e-", Delimiter="/")
    folders = [folder["Prefix"] for page in pages for folder in page.get("CommonPrefixes", [])]
    found = set()
    for folder in folders:
        versions = f"{folder}_runtime/_versions/{application}/"
        if "Contents" in s3.list_objects_v2(**where, Prefix=versions, MaxKeys=1):
            found.add(folder.removeprefix(_OBJECTS).rstrip("/"))
    return found


def _empty(s3: Any, where: dict[str, str], prefix: str) -> None:
    for page in list(s3.get_paginator("list_objects_v2").paginate(**where, Prefix=prefix)):
        if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
            failed = s3.delete_objects(**where, Delete={"Objects": keys, "Quiet": True}).get("Errors")
            if failed:
                raise RuntimeError(f"{failed[0]['Key']}: {failed[0].get('Message')}")
