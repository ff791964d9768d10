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
    tags = {"Project": PROJECT, "Stage": stage, "Model": model, "ModelVersion": version}
    for key, value in tags.items():
        if value is not None:
            cdk.Tags.of(stack).add(key, value)


def tag_version(construct: IConstruct, version: str) -> None:
    """Tag what belongs to one variant with its own version, and not with the champion's."""
    cdk.Tags.of(construct).add("ModelVersion", version)
