"""The image of our own server, built from the project's folder when a stack is deployed."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from constructs import Construct

from stacks.image_build import build_of
from stacks.settings import ModelSettings


@dataclass(frozen=True, kw_only=True)
class OwnImageProps:
    """What an OwnImage needs to know."""

    model: ModelSettings
    engine: str
    """What computes the predictions: onnx, sklearn or xgboost."""


class OwnImage(Construct):
    """An image tagged with a hash of what it is built from: serving/, arguments, the model's own files.

    The model itself is not in it, so that a new model of the same engine needs no new image. `cdk deploy`
    builds it and puts it into the stage's repository; an image that is there already is not built again.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: OwnImageProps) -> None:
        super().__init__(scope, construct_id)
        build = build_of(props.model, props.engine)
        image = ecr_assets.DockerImageAsset(
            self,
            "Default",
            directory=str(props.model.folder.parent),
            file=build.dockerfile,
            target=build.target,
            build_args=dict(build.arguments),
            # SageMaker's machines that we allow are x86_64, whatever this one is.
            platform=ecr_assets.Platform.LINUX_AMD64,
            ignore_mode=cdk.IgnoreMode.DOCKER,
            exclude=list(build.left_out),
        )
        self.image_uri = image.image_uri
        self.repository_arn = image.repository.repository_arn
