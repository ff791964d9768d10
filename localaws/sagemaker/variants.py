"""Variants: a model, what it runs on, and its share of the traffic."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from localaws.sagemaker import names, serverless
from localaws.sagemaker.errors import validation_error
from localaws.sagemaker.serverless import Serverless

_MIN_STARTUP_TIMEOUT_S = 60
_MAX_INSTANCES = 10_000  # no limit of the API: an account's quota stands far below
WEIGHT, INSTANCES = "DesiredWeight", "DesiredInstanceCount"  # VariantProperty's names
PROPERTIES = frozenset({WEIGHT, INSTANCES, "DataCaptureConfig"})


@dataclass(frozen=True)
class Variant:
    """One variant, as configured or as it is now.

    `weight` is a share of the sum of weights; 0 gets none unless it is asked for. A serverless variant has
    no instances.
    """

    name: str
    model_name: str
    instances: int
    weight: float
    startup_timeout_s: int
    serverless: Serverless | None = None

    def changed(self, entry: Mapping[str, Any]) -> "Variant":
        """Return this variant after one DesiredWeightAndCapacity."""
        weight = checked_weight(entry, WEIGHT, self.weight)
        update = entry.get("ServerlessUpdateConfig")
        if (entry.get(INSTANCES) if self.serverless else update) is not None:
            raise validation_error(
                f"Variant {self.name} is {'serverless' if self.serverless else 'on instances'}: it takes "
                f"{'ServerlessUpdateConfig' if self.serverless else INSTANCES}, not the other."
            )
        if self.serverless:
            return replace(self, weight=weight, serverless=self.serverless.updated(update or {}))
        instances = self.instances
        if entry.get(INSTANCES) is not None:
            instances = names.checked_integer(entry, INSTANCES, 1, _MAX_INSTANCES)
        return replace(self, weight=weight, instances=instances)


def parsed(entry: Mapping[str, Any]) -> Variant:
    """Return one entry of ProductionVariants or ShadowProductionVariants. Raises the ValidationException."""
    size = serverless.parsed(entry)
    if size is None:
        names.required(entry, "InstanceType")
    instances = 0 if size else 1
    if entry.get("InitialInstanceCount") is not None:
        instances = names.checked_integer(entry, "InitialInstanceCount", 1, _MAX_INSTANCES)
    return Variant(
        name=names.checked_name(entry, "VariantName"),
        model_name=names.checked_name(entry, "ModelName"),
        instances=instances,
        weight=checked_weight(entry, "InitialVariantWeight", 1.0),
        startup_timeout_s=int(
            entry.get("ContainerStartupHealthCheckTimeoutInSeconds", _MIN_STARTUP_TIMEOUT_S)
        ),
        serverless=size,
    )


def checked_weight(entry: Mapping[str, Any], member: str, default: float) -> float:
    """Return a weight as it is written: 0 stays 0, and only an absent one is the default."""
    given = entry.get(member)
    try:
        weight = default if given is None else float(given)
    except (TypeError, ValueError):
        weight = math.nan
    if not (math.isfinite(weight) and weight >= 0):
        raise validation_error(f"{member} {given!r} must be a number greater than or equal to 0.")
    return weight


def check_shares(production: Iterable[Variant]) -> None:
    """Raise the ValidationException where no variant has a weight: a share is a weight by their sum."""
    if not sum(variant.weight for variant in production):
        raise validation_error(
            "The weights of all production variants are 0. At least one variant must have a weight greater "
            "than 0."
        )


def retained(
    variants: Iterable[Variant], live: Mapping[str, Variant], kinds: frozenset[str]
) -> list[Variant]:
    """Return the variants with what those of the same name have now, for the kinds of property to keep."""
    kept = []
    for variant in variants:
        now = live.get(variant.name)
        if now and WEIGHT in kinds:
            variant = replace(variant, weight=now.weight)
        if now and INSTANCES in kinds and now.instances and variant.instances:
            variant = replace(variant, instances=now.instances)
        kept.append(variant)
    return kept


def desired(
    entries: Iterable[Mapping[str, Any]], live: Mapping[str, Variant], config: str
) -> dict[str, Variant]:
    """Return the variants that a list of DesiredWeightAndCapacity names, as it wants them.

    Raises the ValidationException for a name that is not live, for a second capacity, and for weights that
    are not ones.
    """
    wanted: dict[str, Variant] = {}
    for entry in entries:
        name = names.checked_name(entry, "VariantName")
        if name not in live:
            raise validation_error(
                f'The variant name(s) "{name}" is/are not present within endpoint configuration "{config}".'
            )
        if name in wanted:
            raise validation_error(f"Variant {name} is given more than once in DesiredWeightsAndCapacities.")
        wanted[name] = live[name].changed(entry)
    resized = [name for name, variant in wanted.items() if _size(variant) != _size(live[name])]
    if len(resized) > 1:
        raise validation_error(
            f"Only the capacity of one variant can be updated at a time, not of {', '.join(resized)}."
        )
    return wanted


def _size(variant: Variant) -> object:
    return variant.instances, variant.serverless
