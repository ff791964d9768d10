"""Whether a model's artifacts can run as its settings say: what only both together show."""

from __future__ import annotations

from collections.abc import Mapping

from slipway.errors import SettingsError
from stacks.images import PREBUILT
from stacks.instances import is_arm
from stacks.serve_settings import ServeSection, Variant
from stacks.settings import ModelSettings, StageSettings
from training.artifact import Artifact


def require_servable(stage: StageSettings, model: ModelSettings, artifacts: Mapping[str, Artifact]) -> None:
    """Refuse what the container could not load, and machines and regions that it could not run in.

    Args:
        stage: where.
        model: the settings.
        artifacts: what each variant serves, by its name.

    Raises:
        SettingsError: AWS has no such image in the region, the machine is of Arm, or the model was never a
            file of the image's library.
        VersionMismatch: the artifact was trained with another version of the library than the image has.
        NoEngine: a container of ours has no engine for the model.
    """
    serve = model.serve
    image = PREBUILT.get(serve.image)
    for variant in serve.resolved_variants():
        if variant.instance_type is not None and is_arm(variant.instance_type):
            key = _instance_type_key(serve, variant)
            raise SettingsError(
                f"model_code/{model.name}/model.toml: {key} = {variant.instance_type!r} is not allowed.",
                why="It is an Arm machine, and the image is built for x86_64.",
                fix="Choose a family without the g, such as ml.m5.large.",
            )
        artifact = artifacts[variant.name]
        if image:
            image.require_library(artifact)
        else:
            _ = artifact.engine  # raises where there is none
    if image:
        image.require_region(stage.region)


def _instance_type_key(serve: ServeSection, variant: Variant) -> str:
    for index, written in enumerate(serve.variants):
        if written.name == variant.name and written.instance_type is not None:
            return f"serve.variants[{index}].instance_type"
    return "serve.instance_type"
