"""Deletes the packages of a model package group when a stack goes; AWS deletes no group that has some."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

import botocore.config
import botocore.session

_MAX_REASON = 1000  # CloudFormation takes 4096 bytes for the whole answer
# SageMaker takes few deletions a second.
_PATIENT = botocore.config.Config(retries={"mode": "standard", "max_attempts": 10})


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation as a custom resource does, whatever happens: it would wait for an hour."""
    status, reason = "SUCCESS", ""
    try:
        if event["RequestType"] == "Delete":
            _empty(event["ResourceProperties"]["ModelPackageGroupName"])
    except Exception as error:
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:_MAX_REASON]
    answer = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": "Packages",
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")  # noqa: S310
    request.add_header("Content-Type", "")  # the URL is signed without one
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - CloudFormation's own URL


def _empty(group: str) -> None:
    client = botocore.session.get_session().create_client(
        "sagemaker", region_name=os.environ["AWS_REGION"], config=_PATIENT
    )
    pages = client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    packages = [package for page in pages for package in page["ModelPackageSummaryList"]]
    for package in packages:
        client.delete_model_package(ModelPackageName=package["ModelPackageArn"])
