"""What Beanstalk makes beside a stack for its environments, and what of it outlives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from slipway.aws import Aws


@dataclass(frozen=True)
class Traces:
    """Where something of some environments may be: as much as has to be known before they go."""

    names: tuple[str, ...]
    """Up to -blue or -green: one that a swap took away before may have left something, too."""
    ids: tuple[str, ...]


def traces_of(aws: Aws, stacks: Sequence[str]) -> Traces:
    """Return where something of the stacks' environments may be."""
    client = aws.client("elasticbeanstalk")
    names: set[str] = set()
    ids: set[str] = set()
    for stack in stacks:  # the name of a stack is its application's
        try:
            found = client.describe_environments(ApplicationName=stack)["Environments"]
        except ClientError:
            continue
        names |= {environment["EnvironmentName"].rpartition("-")[0] for environment in found}
        ids |= {environment["EnvironmentId"] for environment in found}
    return Traces(tuple(sorted(names)), tuple(sorted(ids)))


def left_of(aws: Aws, traces: Traces) -> list[tuple[str, str]]:
    """Return what is there of environments that have gone: (what, how to remove it)."""
    left = []
    logs, s3 = aws.client("logs"), aws.client("s3")
    for name in traces.names:
        pages = logs.get_paginator("describe_log_groups").paginate(
            logGroupNamePrefix=f"/aws/elasticbeanstalk/{name}-"
        )
        for group in (group["logGroupName"] for page in pages for group in page["logGroups"]):
            left.append((f"log group {group}", f"aws logs delete-log-group --log-group-name {group}"))
    if traces.ids:
        account = aws.client("sts").get_caller_identity()["Account"]
        bucket = f"elasticbeanstalk-{aws.session.region_name}-{account}"
        for identity in traces.ids:
            prefix = f"resources/environments/{identity}/"
            try:
                count = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"]
            except ClientError:
                continue  # Beanstalk has no bucket in this region, or we may not look
            if count:
                where = f"s3://{bucket}/{prefix}"
                left.append((f"{count} objects under {where}", f"aws s3 rm --recursive {where}"))
    return left
