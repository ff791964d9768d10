"""The tags that every resource carries."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import IConstruct

PROJECT = "slipway"


def tag(stack: cdk.Stack, *, stage: str, model: str | None = None, version: str | None = None) -> None:
    """Tag all resources of a stack. No resource that we use is replaced when its tags change.

    Args:
        stack: the stack.
        stage: local, dev or prod.
        model: the name of the model folder.
        version: the artifact's version.
    """
    for key, value in tags_of(stage=stage, model=model, version=version).items():
        cdk.Tags.of(stack).add(key, value)


def tags_of(*, stage: str, model: str | None = None, version: str | None = None) -> dict[str, str]:
    """Return the tags of what belongs to a stage, a model or a version; jobs get them in their requests."""
    tags = {"Project": PROJECT, "Stage": stage, "Model": model, "ModelVersion": version}
    return {key: value for key, value in tags.items() if value is not None}


def tag_version(construct: IConstruct, version: str) -> None:
    """Tag what belongs to one variant with its own version, and not with the champion's."""
    cdk.Tags.of(construct).add("ModelVersion", version)
