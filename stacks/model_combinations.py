"""What cannot be in one model.toml together, beyond `[serve]`: a table like that of combinations.py.

Sources: CreateTrainingJob and CreateTransformJob in the API reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stacks.combinations import Combination, Hit
from stacks.instances import can_train, can_transform, is_arm
from stacks.metrics import METRICS

if TYPE_CHECKING:
    from stacks.settings import ModelSettings

_MAX_PAYLOAD_IN_FLIGHT_MB = 100


def _algorithm_without_its_framework(model: ModelSettings) -> Iterator[Hit]:
    if model.serve.on_sagemaker and model.serve.image == "xgboost" and model.model.framework != "xgboost":
        yield "serve.image", "xgboost"


def _framework_in_another_s_image(model: ModelSettings) -> Iterator[Hit]:
    if model.serve.on_sagemaker and model.serve.image == "sklearn" and model.model.framework == "xgboost":
        yield "serve.image", "sklearn"


def _wait_without_spot(model: ModelSettings) -> Iterator[Hit]:
    if model.train.max_wait_minutes is not None and not model.train.spot:
        yield "train.max_wait_minutes", model.train.max_wait_minutes


def _wait_below_runtime(model: ModelSettings) -> Iterator[Hit]:
    wait = model.train.max_wait_minutes
    if wait is not None and wait < model.train.max_runtime_minutes:
        yield "train.max_wait_minutes", wait


def _metrics_of_the_algorithm(model: ModelSettings) -> Iterator[Hit]:
    if model.train.metrics and model.model.framework == "xgboost":
        yield "train.metrics", dict(model.train.metrics)


def _metrics_of_another_task(model: ModelSettings) -> Iterator[Hit]:
    for name, pattern in model.train.metrics.items():
        if name not in METRICS[model.model.task]:
            yield f"train.metrics.{name}", pattern


def _too_much_in_flight(model: ModelSettings) -> Iterator[Hit]:
    batch = model.batch
    if batch.max_payload_mb * batch.max_concurrent > _MAX_PAYLOAD_IN_FLIGHT_MB:
        yield "batch.max_concurrent", batch.max_concurrent


def _arm_machines(model: ModelSettings) -> Iterator[Hit]:
    for section, settings in (("train", model.train), ("batch", model.batch)):
        if is_arm(settings.instance_type):
            yield f"{section}.instance_type", settings.instance_type


def _burstable_machines(model: ModelSettings) -> Iterator[Hit]:
    if not can_train(model.train.instance_type):
        yield "train.instance_type", model.train.instance_type
    if not can_transform(model.batch.instance_type):
        yield "batch.instance_type", model.batch.instance_type


# In order: the later ones may rely on what the earlier ones refuse.
MODEL_COMBINATIONS: tuple[Combination[ModelSettings], ...] = (
    Combination(
        _algorithm_without_its_framework,
        "AWS's XGBoost image loads what its own algorithm wrote, and nothing of another library.",
        'Set [model] framework = "xgboost", or another image.',
    ),
    Combination(
        _framework_in_another_s_image,
        "AWS's scikit-learn image cannot load a model of XGBoost.",
        'Set image = "xgboost" for AWS\'s image, or image = "own" for our server.',
    ),
    Combination(
        _wait_without_spot,
        "Only a training on spare machines waits for them.",
        "Set spot = true, or remove it.",
    ),
    Combination(
        _wait_below_runtime,
        "It is the longest time of waiting and running together.",
        "Set max_runtime_minutes or more.",
    ),
    Combination(
        _metrics_of_the_algorithm,
        "AWS refuses patterns for its own algorithm, whose metrics it knows.",
        'Remove it; hyperparameters = { eval_metric = "rmse,mae" } says which it measures.',
    ),
    Combination(
        _metrics_of_another_task,
        "A pattern belongs to a metric that the gate can bound: "
        + "; ".join(f"{', '.join(names)} of a {task} model" for task, names in METRICS.items())
        + ".",
        "Call it one of these, or remove it.",
    ),
    Combination(
        _too_much_in_flight,
        f"max_payload_mb times max_concurrent may be {_MAX_PAYLOAD_IN_FLIGHT_MB} at the most.",
        "Set less of one of the two; max_concurrent = 0 lets the container decide.",
    ),
    Combination(
        _arm_machines,
        "It is an Arm machine, and the images are built for x86_64.",
        "Choose a family without the g, such as ml.m5.large.",
    ),
    Combination(
        _burstable_machines,
        "AWS has no burstable machines for transform jobs, and of them only ml.t3 for training jobs.",
        "Choose another family, such as ml.m5.large.",
    ),
)
