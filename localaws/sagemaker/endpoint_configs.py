"""Endpoint configurations: which models serve, on how many instances, with what share of the traffic."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker import names
from localaws.sagemaker.errors import already_exists, not_found, validation_error
from localaws.sagemaker.models import Models

_MAX_VARIANTS = 10
_MIN_STARTUP_TIMEOUT_S = 60


@dataclass(frozen=True)
class Variant:
    """One production variant.

    `weight` is a share of the sum of weights; 0 gets none unless it is asked for.
    """

    name: str
    model_name: str
    instances: int
    weight: float
    startup_timeout_s: int


@dataclass(frozen=True)
class EndpointConfig:
    """A created configuration; it never changes. `request` is what DescribeEndpointConfig gives back."""

    name: str
    arn: str
    variants: tuple[Variant, ...]
    request: Mapping[str, Any]
    created: float = field(default_factory=time.time)

    def describe(self) -> dict[str, Any]:
        """Return the DescribeEndpointConfig answer."""
        return {**self.request, **self.summary()}

    def summary(self) -> dict[str, Any]:
        """Return this configuration's entry of a ListEndpointConfigs answer."""
        return {
            "EndpointConfigName": self.name,
            "EndpointConfigArn": self.arn,
            "CreationTime": self.created,
        }


class EndpointConfigs:
    """The endpoint configurations of one account and region."""

    kind = "endpoint-config"

    def __init__(self, scope: Scope, models: Models) -> None:
        self._scope = scope
        self._models = models
        self.items: dict[str, EndpointConfig] = {}

    def create(self, request: Mapping[str, Any]) -> EndpointConfig:
        """Check the request and keep it. Its models must exist."""
        name = names.checked_name(request, "EndpointConfigName")
        arn = names.arn(self._scope, self.kind, name)
        if name in self.items:
            raise already_exists("endpoint configuration", arn)
        variants = tuple(_variant(entry) for entry in names.required(request, "ProductionVariants"))
        if not 1 <= len(variants) <= _MAX_VARIANTS:
            raise validation_error(f"ProductionVariants must have between 1 and {_MAX_VARIANTS} entries.")
        if len({variant.name for variant in variants}) < len(variants):
            raise validation_error(
                "Production variant names must be unique within an endpoint configuration."
            )
        for variant in variants:
            self._models.get(variant.model_name)
        kept = {key: value for key, value in request.items() if key != "Tags"}
        self.items[name] = EndpointConfig(name, arn, variants, kept)
        return self.items[name]

    def get(self, name: str) -> EndpointConfig:
        """Return a configuration. Raises the ValidationException for an unknown name."""
        if name not in self.items:
            raise not_found("endpoint configuration", names.arn(self._scope, self.kind, name))
        return self.items[name]

    def delete(self, name: str) -> EndpointConfig:
        """Forget a configuration. An endpoint that runs it goes on, as on AWS."""
        config = self.get(name)
        del self.items[name]
        return config


def _variant(entry: Mapping[str, Any]) -> Variant:
    serverless = "ServerlessConfig" in entry
    if not serverless:
        names.required(entry, "InstanceType")
    weight = float(entry.get("InitialVariantWeight", 1.0))
    if weight < 0:
        raise validation_error("InitialVariantWeight must be greater than or equal to 0.")
    return Variant(
        name=names.checked_name(entry, "VariantName"),
        model_name=names.checked_name(entry, "ModelName"),
        instances=1 if serverless else int(entry.get("InitialInstanceCount", 1)),
        weight=weight,
        startup_timeout_s=int(
            entry.get("ContainerStartupHealthCheckTimeoutInSeconds", _MIN_STARTUP_TIMEOUT_S)
        ),
    )
