"""After a deploy of a function: does the version answer that the stack asked for?"""

from __future__ import annotations

from slipway.arrival import await_version
from slipway.aws import Aws
from slipway.functions import alias_version, asked_version, move_alias
from slipway.pointers import current, point_at
from slipway.story import Story
from slipway.verify import client_for
from stacks.settings import ModelSettings
from training.artifact import Artifact


def bring_forward(aws: Aws, model: ModelSettings, artifact: Artifact, story: Story) -> None:
    """Have the version answer that was deployed, where a rollback had put another one into force.

    CloudFormation does not see what was changed beside it: where the stack is as it was, it changes nothing.

    Raises:
        VersionRefused: the version does not load any more.
        DeployFailed: another version still answers.
    """
    outputs = aws.outputs(model.name)
    asked, now = asked_version(aws, model.name), alias_version(aws, outputs)
    if asked != now:
        with story.step(f"move {outputs['AliasName']} from version {now} to version {asked}"):
            move_alias(aws, outputs, asked)
        story.say(f"{model.name} answered with version {now} since a rollback; it answers with {asked} now")
    if model.serve.model_source == "s3":
        bucket = aws.outputs()["BucketName"]
        before = current(aws, bucket, model.name).get("version")
        if before != artifact.version:
            point_at(aws, outputs, bucket, model.name, artifact.version)
            was = f"{before} in force since a rollback" if before else "no model in force"
            story.say(f"{model.name} had {was}; it has {artifact.version} now")
    with story.step(f"wait until {model.name} answers with {artifact.version}"):
        await_version(aws, client_for(aws, model.name), artifact.version)
