"""Serverless variants: their sizes, and what SageMaker does not combine with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from localaws.sagemaker import names
from localaws.sagemaker.errors import ApiError, validation_error

MAX_BODY_BYTES = 4 * 1024 * 1024
_MEMORY_STEP = 1024
_MEMORY = (1024, 6144)
_CONCURRENCY = (1, 200)
# What sizes instances says nothing about a variant that has none.
_OF_INSTANCES = (
    "InstanceType", "InitialInstanceCount", "InstancePools", "ManagedInstanceScaling", "RoutingConfig",
    "VolumeSizeInGB", "AcceleratorType",
)  # fmt: skip


@dataclass(frozen=True)
class Serverless:
    """The size of a serverless variant."""

    memory_mb: int
    max_concurrency: int
    provisioned_concurrency: int | None = None

    def describe(self) -> dict[str, int]:
        """Return it as DescribeEndpoint shows it."""
        shown = {"MemorySizeInMB": self.memory_mb, "MaxConcurrency": self.max_concurrency}
        if self.provisioned_concurrency is not None:
            shown["ProvisionedConcurrency"] = self.provisioned_concurrency
        return shown

    def updated(self, change: Mapping[str, Any]) -> "Serverless":
        """Return it after a ServerlessUpdateConfig, which cannot change the memory."""
        return _checked(
            replace(
                self,
                max_concurrency=_concurrency(change, "MaxConcurrency", self.max_concurrency),
                provisioned_concurrency=_concurrency(
                    change, "ProvisionedConcurrency", self.provisioned_concurrency
                ),
            )
        )


def parsed(entry: Mapping[str, Any]) -> Serverless | None:
    """Return the ServerlessConfig of a variant, or None for one on instances."""
    config = entry.get("ServerlessConfig")
    if config is None:
        return None
    if excluded := [member for member in _OF_INSTANCES if member in entry]:
        raise validation_error(
            f"Variant {entry.get('VariantName')} has a ServerlessConfig and {', '.join(excluded)}: "
            "a serverless variant has no instances. Specify one or the other."
        )
    names.required(config, "MemorySizeInMB")
    names.required(config, "MaxConcurrency")
    memory = names.checked_integer(config, "MemorySizeInMB", *_MEMORY)
    if memory % _MEMORY_STEP:
        raise validation_error(
            f"Invalid MemorySizeInMB {memory}. Valid values are in 1 GB increments: "
            f"{', '.join(str(size) for size in range(_MEMORY[0], _MEMORY[1] + 1, _MEMORY_STEP))}."
        )
    return _checked(
        Serverless(
            memory,
            names.checked_integer(config, "MaxConcurrency", *_CONCURRENCY),
            _concurrency(config, "ProvisionedConcurrency", None),
        )
    )


def check_combination(request: Mapping[str, Any], models: Iterable[Mapping[str, Any]], variants: int) -> None:
    """Raise the ValidationException for what a configuration with a serverless variant cannot also ask for.

    `request` is the CreateEndpointConfig, `models` the CreateModel requests of its variants.
    """
    excluded = [
        member
        for member in ("DataCaptureConfig", "AsyncInferenceConfig", "ExplainerConfig", "VpcConfig",
                       "EnableNetworkIsolation", "ShadowProductionVariants")
        if asked(request, member)
    ]  # fmt: skip
    excluded += [
        f"{member} of the model" for model in models for member in ("VpcConfig", "EnableNetworkIsolation")
        if asked(model, member)
    ]  # fmt: skip
    if variants > 1:
        excluded.append("more than one variant")
    if excluded:
        raise validation_error(f"Serverless endpoints do not support {', '.join(excluded)}.")


def asked(request: Mapping[str, Any], member: str) -> bool:
    """Return whether a request switches a feature on; CloudFormation may write false as a string."""
    value = request.get(member)
    return value not in (None, False, "false", [], {})


def throttled(endpoint: str, limit: int) -> ApiError:
    """Return the runtime's answer to one request too many.

    Of SageMaker's own only the code and the status are known: the message is null there.
    """
    return ApiError(
        "ThrottlingException",
        f"Endpoint {endpoint} has {limit} invocations in progress, which is its MaxConcurrency. "
        "Try again later, or raise MaxConcurrency.",
    )


def _concurrency(config: Mapping[str, Any], member: str, default: Any) -> Any:
    return names.checked_integer(config, member, *_CONCURRENCY) if config.get(member) is not None else default


def _checked(config: Serverless) -> Serverless:
    if (config.provisioned_concurrency or 0) > config.max_concurrency:
        raise validation_error(
            f"ProvisionedConcurrency {config.provisioned_concurrency} must be less than or equal to "
            f"MaxConcurrency {config.max_concurrency}."
        )
    return config
