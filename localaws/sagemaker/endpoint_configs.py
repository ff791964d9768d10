"""Endpoint configurations: which models serve, on how many instances, with what share of the traffic."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker import names, serverless
from localaws.sagemaker.errors import already_exists, not_found, validation_error
from localaws.sagemaker.models import Models
from localaws.sagemaker.variants import Variant, check_shares, parsed

_MAX_VARIANTS = 10


@dataclass(frozen=True)
class EndpointConfig:
    """A created configuration; it never changes. `request` is what DescribeEndpointConfig gives back."""

    name: str
    arn: str
    variants: tuple[Variant, ...]
    request: Mapping[str, Any]
    shadow: Variant | None = None
    created: float = field(default_factory=time.time)

    @property
    def all_variants(self) -> tuple[Variant, ...]:
        """The production variants, and the shadow variant as the last one."""
        return (*self.variants, self.shadow) if self.shadow else self.variants

    @property
    def serverless(self) -> bool:
        """Whether it runs without instances."""
        return any(variant.serverless for variant in self.all_variants)

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
        variants = tuple(parsed(entry) for entry in names.required(request, "ProductionVariants"))
        if not 1 <= len(variants) <= _MAX_VARIANTS:
            raise validation_error(f"ProductionVariants must have between 1 and {_MAX_VARIANTS} entries.")
        check_shares(variants)
        kept = {key: value for key, value in request.items() if key != "Tags"}
        config = EndpointConfig(name, arn, variants, kept, _shadow(request, len(variants)))
        if len({variant.name for variant in config.all_variants}) < len(config.all_variants):
            raise validation_error(
                "Production variant names must be unique within an endpoint configuration."
            )
        models = [self._models.get(variant.model_name) for variant in config.all_variants]
        if config.serverless:
            serverless.check_combination(request, [model.request for model in models], len(variants))
        self.items[name] = config
        return config

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


def _shadow(request: Mapping[str, Any], production: int) -> Variant | None:
    """Return the shadow variant, or None. It stands beside one production variant and nothing else."""
    shadows = [parsed(entry) for entry in request.get("ShadowProductionVariants") or ()]
    if not shadows:
        return None
    if len(shadows) > 1 or production > 1:
        raise validation_error(
            "If you use ShadowProductionVariants, you can only specify one variant for ProductionVariants "
            f"and one variant for ShadowProductionVariants, not {production} and {len(shadows)}."
        )
    if serverless.asked(request, "AsyncInferenceConfig"):
        raise validation_error("ShadowProductionVariants cannot be combined with AsyncInferenceConfig.")
    return shadows[0]
