"""The image of our own server, built from the project's folder when a stack is deployed."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from constructs import Construct

from stacks.settings import ModelSettings

DOCKERFILE = "serving/Dockerfile"


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
        model = props.model
        has_dockerfile = (model.folder / "Dockerfile").is_file()
        has_requirements = (model.folder / "requirements.txt").is_file()
        arguments = {"BASE_IMAGE": model.serve.base_image, "ENGINE": props.engine}
        if model.serve.s3_prefixes:
            arguments["S3"] = "true"
        if has_requirements:
            arguments["EXTRA_REQUIREMENTS"] = f"{model.name}/requirements.txt"
        image = ecr_assets.DockerImageAsset(
            self,
            "Default",
            directory=str(model.folder.parent),
            file=f"{model.name}/Dockerfile" if has_dockerfile else DOCKERFILE,
            build_args=arguments,
            # SageMaker's machines that we allow are x86_64, whatever this one is.
            platform=ecr_assets.Platform.LINUX_AMD64,
            ignore_mode=cdk.IgnoreMode.DOCKER,
            exclude=_left_out(model.name, has_dockerfile, has_requirements),
        )
        self.image_uri = image.image_uri
        self.repository_arn = image.repository.repository_arn


def _left_out(model: str, has_dockerfile: bool, has_requirements: bool) -> list[str]:
    """Return the patterns of .dockerignore; the last one that matches a file decides."""
    patterns = ["*", "!serving"]
    if has_dockerfile:
        # model.toml says how the image is run, weights and machines among it: a new weight is no new image.
        patterns += [f"!{model}", f"{model}/model.toml"]
    elif has_requirements:
        patterns += [f"!{model}", f"{model}/*", f"!{model}/requirements.txt"]
    return [*patterns, "**/__pycache__", "**/*.pyc", "**/.DS_Store"]
