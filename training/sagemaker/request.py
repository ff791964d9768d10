"""Requests of jobs, as the SDK takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stacks import storage
from stacks.images import PrebuiltImage
from stacks.settings import ModelSettings
from stacks.training_job import TrainingPlaces, training_image, training_job_request

from .inputs import Inputs
from .place import Place
from .sdk import snake_case

# What is inside are names of a person's own.
_FREE = ("HyperParameters", "Environment")


def training_request(place: Place, settings: ModelSettings, job: str, inputs: Inputs) -> dict[str, Any]:
    """Return the request of CreateTrainingJob.

    Args:
        place: where.
        settings: the model folder's; `[train]` says on what.
        job: its name.
        inputs: what is in the bucket already.

    Raises:
        SettingsError: AWS publishes no such image in that region.
    """
    image = training_image(settings)
    image.require_region(place.region)

    def uri(key: str) -> str:
        return storage.uri(place.bucket, key)

    places = TrainingPlaces(
        job_name=job,
        image_uri=image_uri(image, place.region),
        role_arn=place.role_arn,
        train=inputs.channels[storage.TRAIN],
        validation=inputs.channels.get(storage.VALIDATION, ""),
        code=uri(storage.code_key(job).removesuffix(storage.CODE_FILE)),
        output=uri(storage.JOBS),
        checkpoints=uri(storage.checkpoints_prefix(job)),
        region=place.region,
        key_arn=place.key_arn,
    )
    return training_job_request(settings, places, place.tags(settings.name))


def image_uri(image: PrebuiltImage, region: str) -> str:
    """Return the address of a prebuilt image."""
    suffix = ".cn" if region.startswith("cn-") else ""
    registry = f"{image.accounts[region]}.dkr.ecr.{region}.amazonaws.com{suffix}"
    return f"{registry}/{image.repository}:{image.tag}"


def as_sdk(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request with the SDK's names: `TrainingJobName` is `training_job_name`, all the way down."""
    return {snake_case(name): value if name in _FREE else _renamed(value) for name, value in request.items()}


def _renamed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return as_sdk(value)
    return [_renamed(item) for item in value] if isinstance(value, list) else value
