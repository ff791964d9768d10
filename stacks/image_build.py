"""What an image of ours is built from, for the stacks that deploy it and for `slipway serve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from stacks.settings import ModelSettings

DOCKERFILE = "serving/Dockerfile"
Stage = Literal["server", "lambda"]


@dataclass(frozen=True)
class ImageBuild:
    """The arguments of a `docker build` in model_code/."""

    dockerfile: str
    """Relative to model_code/."""
    arguments: Mapping[str, str]
    left_out: tuple[str, ...]
    """The patterns of .dockerignore; the last one that matches a file decides."""
    target: str | None
    """The stage of the Dockerfile that is the image; None is the last one."""


def build_of(model: ModelSettings, engine: str, stage: Stage = "server") -> ImageBuild:
    """Return what the image of a model is built from.

    Args:
        model: whose folder may hold a requirements.txt or a Dockerfile of its own.
        engine: what computes the predictions: onnx, sklearn or xgboost.
        stage: of our Dockerfile, the server of containers or the Lambda function; a model folder's own
            Dockerfile is built to its end.
    """
    has_dockerfile = (model.folder / "Dockerfile").is_file()
    has_requirements = (model.folder / "requirements.txt").is_file()
    arguments = {"BASE_IMAGE": model.serve.base_image, "ENGINE": engine}
    if model.serve.s3_prefixes or model.serve.model_source == "s3":
        arguments["S3"] = "true"
    if has_requirements:
        arguments["EXTRA_REQUIREMENTS"] = f"{model.name}/requirements.txt"
    patterns = ["*", "!serving"]
    if stage == "server":  # what changes for functions alone is no new image
        patterns += ["serving/aws_lambda", "serving/requirements-lambda-*"]
    if has_dockerfile:
        # model.toml says how the image is run, weights and machines among it: a new weight is no new image.
        patterns += [f"!{model.name}", f"{model.name}/model.toml"]
    elif has_requirements:
        patterns += [f"!{model.name}", f"{model.name}/*", f"!{model.name}/requirements.txt"]
    patterns += ["**/__pycache__", "**/*.pyc", "**/.DS_Store"]
    dockerfile = f"{model.name}/Dockerfile" if has_dockerfile else DOCKERFILE
    return ImageBuild(dockerfile, arguments, tuple(patterns), None if has_dockerfile else stage)
