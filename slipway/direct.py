"""The inner loop's driver: puts a synthesized app on the embedded AWS without the CDK CLI.

The CLI asks CloudFormation for news every five seconds; this asks twenty times a second. The templates, the
assets, the CloudFormation execution role and the result are the same. Only the embedded AWS is deployed in
this way; a destroy deletes stacks so on every stage, since it must work when an artifact or folder is gone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from slipway.aws import Aws
from slipway.errors import DeployFailed
from slipway.image_assets import publish_images
from slipway.story import Story
from stacks.settings import stack_name

POLL_S = 0.05
POLL_AWS_S = 3.0  # a real account has a limit on questions
TIMEOUT_S = 1800.0  # an environment's load balancer and machines come and go in minutes
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


@dataclass(frozen=True)
class _Stack:
    name: str
    template_url: str
    role: str
    assets: Path
    parameters: tuple[str, ...]
    """The names of those that its template has."""


def deploy_assembly(
    folder: Path,
    aws: Aws,
    story: Story,
    wanted: Sequence[str],
    parameters: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Deploy stacks of a cloud assembly, in the order given.

    Args:
        folder: the assembly (`cdk.out`).
        aws: the embedded AWS.
        story: is told every event of CloudFormation.
        wanted: names of stacks.
        parameters: new values of parameters, by the stack; as with the CDK CLI the others keep the values
            that they have.

    Raises:
        DeployFailed: a stack failed and was rolled back; the first reason is in the message.
    """
    stacks = {stack.name: stack for stack in _stacks(folder, aws)}
    for name in wanted:
        assets = stacks[name].assets
        manifest = json.loads(assets.read_text(encoding="utf-8"))
        _publish(manifest, assets.parent, aws)
        publish_images(manifest, assets.parent, aws, story)
        _deploy(stacks[name], aws, story, (parameters or {}).get(name, {}))


def await_settled(aws: Aws, name: str, story: Story) -> str | None:
    """Wait until nobody changes a stack, and return its status; None where there is none.

    The CDK CLI waits likewise. CloudFormation refuses a second change, and what a stack says of itself during
    the first, its parameters and outputs, is of two times.

    Raises:
        DeployFailed: it did not settle within half an hour.
    """
    cloudformation = aws.client("cloudformation")
    status = _status(cloudformation, name)
    # A stack under review has a change set, and nothing happens to it.
    if status is None or not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
        return status
    story.event(f"{name} is being changed already: waiting until that has ended")
    known = {event["EventId"] for event in _events(cloudformation, name)}
    return _settled(cloudformation, name, story, known, poll_s=POLL_S if aws.endpoint_url else POLL_AWS_S)


def deployed_stacks(aws: Aws, stage: str) -> list[str]:
    """Return the stage's stacks that exist, in the order in which they can go: the shared one last.

    They are read from CloudFormation, so that a model whose folder or artifact is gone can go as well.
    """
    shared = stack_name(stage)
    pages = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
    names = [stack["StackName"] for page in pages for stack in page["Stacks"]]
    return sorted((name for name in names if name == shared or name.startswith(f"{shared}-")), reverse=True)


def delete_stacks(aws: Aws, names: Sequence[str], story: Story) -> None:
    """Delete stacks, one after the other, with the role that they were deployed with.

    Raises:
        DeployFailed: a stack did not go.
    """
    cloudformation = aws.client("cloudformation")
    for name in names:
        cloudformation.delete_stack(StackName=name)
        known = (
            {event["EventId"] for event in _events(cloudformation, name)}
            if _status(cloudformation, name)
            else set()
        )
        reasons: list[str] = []
        poll_s = POLL_S if aws.endpoint_url else POLL_AWS_S
        final = _settled(cloudformation, name, story, known, reasons, poll_s)
        if final is not None and final != "DELETE_COMPLETE":
            raise DeployFailed(
                f"{name} ended as {final}.", why="\n".join(reasons[:3]), fix="Mend it and destroy again."
            )


def _stacks(folder: Path, aws: Aws) -> Iterator[_Stack]:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for artifact in manifest["artifacts"].values():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        properties = artifact["properties"]
        name = properties.get(
            "stackName", Path(properties["templateFile"]).name.removesuffix(".template.json")
        )
        assets = folder / properties["templateFile"].replace(".template.json", ".assets.json")
        yield _Stack(
            name=name,
            # CloudFormation takes an https:// address; the embedded AWS has its buckets under its own.
            template_url=aws.filled(properties["stackTemplateAssetObjectUrl"]).replace(
                "s3:/", aws.endpoint_url or "https://s3.amazonaws.com"
            ),
            role=aws.filled(properties["cloudFormationExecutionRoleArn"]),
            assets=assets,
            parameters=tuple(_parameters(folder / properties["templateFile"])),
        )


def _parameters(template: Path) -> list[str]:
    return list(json.loads(template.read_text(encoding="utf-8")).get("Parameters", {}))


def _publish(manifest: Mapping[str, Any], folder: Path, aws: Aws) -> None:
    s3 = aws.client("s3", s3={"addressing_style": "path"})
    for asset in manifest["files"].values():
        source = folder / asset["source"]["path"]
        if asset["source"]["packaging"] != "file":
            source = _zipped(source)
        for destination in asset["destinations"].values():
            bucket, key = aws.filled(destination["bucketName"]), aws.filled(destination["objectKey"])
            try:
                s3.head_object(Bucket=bucket, Key=key)  # the key is a hash of the content
            except ClientError:
                s3.upload_file(str(source), bucket, key)


def _zipped(folder: Path) -> Path:
    import shutil

    return Path(shutil.make_archive(str(folder), "zip", folder))


def _deploy(stack: _Stack, aws: Aws, story: Story, given: Mapping[str, str]) -> None:
    cloudformation = aws.client("cloudformation")
    arguments: dict[str, Any] = {
        "StackName": stack.name,
        "TemplateURL": stack.template_url,
        "Capabilities": CAPABILITIES,
        "RoleARN": stack.role,
    }
    status = await_settled(aws, stack.name, story)
    if status in ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "ROLLBACK_FAILED"):
        # A first create that failed can only be deleted, on AWS too.
        cloudformation.delete_stack(StackName=stack.name)
        _settled(cloudformation, stack.name, story)
        status = None
    before = _parameters_of(cloudformation, stack.name) if status else set()
    arguments["Parameters"] = [
        {"ParameterKey": name, "ParameterValue": given[name]}
        if name in given
        else {"ParameterKey": name, "UsePreviousValue": True}
        for name in stack.parameters
        if name in given or name in before
    ]
    try:
        known = {event["EventId"] for event in _events(cloudformation, stack.name)} if status else set()
        (cloudformation.update_stack if status else cloudformation.create_stack)(**arguments)
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            story.event(f"{stack.name}: no changes")
            return
        raise DeployFailed(f"{stack.name} was refused.", why=str(error)) from None
    reasons: list[str] = []
    final = _settled(cloudformation, stack.name, story, known, reasons)
    if final not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployFailed(
            f"{stack.name} ended as {final}.",
            why="\n".join(reasons[:3]),
            fix=f"{'What ran before is still there. ' if status else ''}Mend the cause and deploy again.",
        )


def _settled(
    cloudformation: Any,
    name: str,
    story: Story,
    known: set[str] | None = None,
    reasons: list[str] | None = None,
    poll_s: float = POLL_S,
) -> str | None:
    known = known if known is not None else set()
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        status = _status(cloudformation, name)
        for event in _events(cloudformation, name) if status else []:
            if event["EventId"] not in known:
                known.add(event["EventId"])
                _tell(event, story, reasons)
        if status is None or not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(poll_s)
    raise DeployFailed(f"{name} did not settle within {TIMEOUT_S:.0f} s.", fix="Look at: slipway status")


def _tell(event: Mapping[str, Any], story: Story, reasons: list[str] | None) -> None:
    status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
    story.event(f"{event['LogicalResourceId']} {status} {reason}".strip())
    if status.endswith("_FAILED") and reason and reasons is not None and "cancelled" not in reason:
        reasons.append(f"{event['LogicalResourceId']}: {reason}")


def _events(cloudformation: Any, name: str) -> list[dict[str, Any]]:
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    return [event for page in pages for event in page["StackEvents"]][::-1]


def _parameters_of(cloudformation: Any, name: str) -> set[str]:
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {found["ParameterKey"] for found in stack.get("Parameters", [])}


def _status(cloudformation: Any, name: str) -> str | None:
    try:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise  # throttled or refused: that says nothing about the stack
        return None
