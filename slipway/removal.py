"""Taking a stage away again, and counting what is left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localaws.control import LocalAws
from localaws.inventory import Inventory
from localaws.liveness import command
from slipway.aws import Aws
from slipway.cdk import cdk
from slipway.deployment import forget_outputs
from slipway.job_removal import delete_job_logs, stop_jobs
from slipway.project import Project
from slipway.story import Story
from stacks.settings import model_names

# A function's instances end behind its deletion, as they do on AWS.
_ENDING_S = 5.0


@dataclass(frozen=True)
class Remains:
    """What exists after a destroy.

    Args:
        left_behind: what the deploy made and destroy should have removed; nothing, if all is well.
        kept: what AWS itself keeps, or the stage was told to keep, and how to remove it.
    """

    left_behind: list[str]
    kept: list[str]


def destroy_stacks(project: Project, aws: Aws, stacks: Sequence[str], story: Story) -> None:
    """Run `cdk destroy` on stacks, the models' first (CDK orders them); no job and no log of one stays."""
    models = model_names(project.root)
    stop_jobs(aws, story, models)
    with story.step(f"cdk destroy {' '.join(stacks)}"):
        cdk(project, aws, ["destroy", *stacks, "--force", "--progress", "events"], story)
    if not aws.stage.retain_data:
        delete_job_logs(aws, models)
    forget_outputs(project, stacks)


def local_remains(local: LocalAws) -> Remains:
    """Count what the embedded AWS still holds: resources, processes, files, ports."""
    deadline = time.monotonic() + _ENDING_S
    inventory = local.inventory()
    while inventory.processes and time.monotonic() < deadline:
        time.sleep(0.1)
        inventory = local.inventory()
    kept = [f"{resource.service} {resource.kind} {resource.name}" for resource in inventory.bootstrap]
    kept += [f"{r.service} {r.kind} {r.name}: {r.detail}" for r in inventory.kept_by_aws]
    return Remains(_listed(inventory), kept)


def remains_after_stop(local: LocalAws, before: Inventory, port: int) -> list[str]:
    """Count what outlives the server itself: its port, its processes, its folders."""
    import socket

    left = []
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            left.append(f"port {port}")
    for process in before.processes:
        # One that has ended and that nobody has waited for yet still has its number, and no command line.
        running = command(process.pid)
        if running and "<defunct>" not in running:
            left.append(f"process {process.pid} {process.command}")
    left += local.left_in_engine()
    left += [f"folder {path.name}" for path in (local.state.tmp, local.state.fleets) if path.exists()]
    return left


def retained(aws: Aws, stacks: Sequence[str]) -> list[tuple[str, str]]:
    """Return what a stage keeps when its stacks go, buckets with data and keys: (what, how to remove it)."""
    cloudformation = aws.client("cloudformation")
    found: list[tuple[str, str]] = []
    for stack in stacks:
        try:
            template: Any = cloudformation.get_template(StackName=stack)["TemplateBody"]
            pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
            resources = [item for page in pages for item in page["StackResourceSummaries"]]
        except cloudformation.exceptions.ClientError:
            continue  # this stack is not there
        if isinstance(template, str):
            import json

            template = json.loads(template)
        for item in resources:
            policy = template["Resources"][item["LogicalResourceId"]].get("DeletionPolicy")
            if policy in _KEEPING and item["ResourceType"] not in _GONE_ANYHOW:
                name, kind = item["PhysicalResourceId"], item["ResourceType"]
                found.append(
                    (f"{kind} {name}", _HOW.get(kind, "aws cloudcontrol delete-resource").format(name))
                )
    return found


_KEEPING = ("Retain", "RetainExceptOnCreate")
# Versions of a function outlive an update, for `slipway rollback`, and go with the function.
_GONE_ANYHOW = ("AWS::Lambda::Version",)
_HOW = {
    "AWS::S3::Bucket": "aws s3api delete-objects of all versions, then: aws s3 rb s3://{}",
    "AWS::KMS::Key": "aws kms schedule-key-deletion --key-id {}",
    "AWS::Logs::LogGroup": "aws logs delete-log-group --log-group-name {}",
    "AWS::S3::BucketPolicy": "it goes with its bucket",
}


def _listed(inventory: Inventory) -> list[str]:
    return [
        *(f"{resource.service} {resource.kind} {resource.name}" for resource in inventory.resources),
        *(f"process {process.pid} {process.command}" for process in inventory.processes),
        *(f"file {name}" for name in inventory.files),
        *(f"port {number}" for number in inventory.ports),
    ]
