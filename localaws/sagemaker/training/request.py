"""A CreateTrainingJob request: what SageMaker checks of it, and what a job needs of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.images.prebuilt import MetricDefinition
from localaws.sagemaker import shapes
from localaws.sagemaker.errors import ApiError, validation_error
from localaws.sagemaker.training.channels import Channel
from localaws.sagemaker.training.s3_uri import S3Uri

_DEFAULT_RUNTIME_S = 24 * 3600
_CHECKPOINTS = "/opt/ml/checkpoints"
_ELSEWHERE = {  # what would change a job's outcome and is not done here
    "": ("ServerlessJobConfig", "MlflowConfig", "ModelPackageConfig", "SessionChainingConfig",
         "DebugRuleConfigurations", "ProfilerRuleConfigurations"),
    "AlgorithmSpecification": ("AlgorithmName", "ContainerEntrypoint", "ContainerArguments",
                               "TrainingImageConfig"),
    "ResourceConfig": ("InstanceGroups", "InstancePreferences", "TrainingPlanArn"),
}  # fmt: skip


@dataclass(frozen=True)
class Checkpoints:
    """Where checkpoints are kept, and the folder below /opt/ml that is kept there."""

    uri: S3Uri
    folder: str


@dataclass(frozen=True)
class TrainingRequest:
    """What a job needs. Times are seconds; `metrics` are the request's own definitions."""

    name: str
    role_arn: str
    image: str
    hyperparameters: Mapping[str, str]
    channels: Sequence[Channel]
    output: S3Uri
    is_compressed: bool
    kms_key: str | None
    instance_type: str
    hosts: int
    max_runtime_s: int
    environment: Mapping[str, str]
    is_isolated: bool
    checkpoints: Checkpoints | None
    metrics: Sequence[MetricDefinition]

    @classmethod
    def parse(cls, request: Mapping[str, Any]) -> "TrainingRequest":
        """Check a request and read it. Raises the ValidationException."""
        shapes.check("CreateTrainingJob", request)
        for member in ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition"):
            if request.get(member) is None:
                raise _missing(member)
        _refuse_what_is_elsewhere(request)
        algorithm, resources = request["AlgorithmSpecification"], request["ResourceConfig"]
        if not algorithm.get("TrainingImage"):
            raise _missing("AlgorithmSpecification.TrainingImage")
        for member in ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
            if resources.get(member) is None:
                raise _missing(f"ResourceConfig.{member}")
        for member in ("InstanceCount", "VolumeSizeInGB"):
            if resources[member] < 1:
                raise _bad(
                    f"ResourceConfig.{member}",
                    resources[member],
                    "Member must have value greater than or equal to 1",
                )
        output = request["OutputDataConfig"]
        return cls(
            name=request["TrainingJobName"],
            role_arn=request["RoleArn"],
            image=algorithm["TrainingImage"],
            hyperparameters=request.get("HyperParameters") or {},
            channels=_channels(request.get("InputDataConfig") or (), algorithm["TrainingInputMode"]),
            output=S3Uri.parse(output["S3OutputPath"]),
            is_compressed=output.get("CompressionType", "GZIP") == "GZIP",
            kms_key=output.get("KmsKeyId") or None,
            instance_type=resources["InstanceType"],
            hosts=resources["InstanceCount"],
            max_runtime_s=_max_runtime(request),
            environment=request.get("Environment") or {},
            is_isolated=bool(request.get("EnableNetworkIsolation")),
            checkpoints=_checkpoints(request.get("CheckpointConfig")),
            metrics=tuple(map(_metric, algorithm.get("MetricDefinitions") or ())),
        )


def _refuse_what_is_elsewhere(request: Mapping[str, Any]) -> None:
    for owner, members in _ELSEWHERE.items():
        found = request.get(owner, {}) if owner else request
        for member in members:
            if found.get(member):
                path = f"{owner}.{member}".lstrip(".")
                raise validation_error(f"{path} is not part of the embedded AWS: leave it out.")


def _channels(definitions: Sequence[Mapping[str, Any]], mode: str) -> tuple[Channel, ...]:
    if mode == "Pipe":
        raise validation_error(
            "TrainingInputMode Pipe is not part of the embedded AWS: use File or FastFile."
        )
    channels = tuple(Channel.parse(definition, mode) for definition in definitions)
    names = [channel.name for channel in channels]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise validation_error(f"Channel names must be unique, and {', '.join(twice)} is there twice.")
    return channels


def _max_runtime(request: Mapping[str, Any]) -> int:
    """Return the time that training may take; with spot instances, waiting for them has a limit as well."""
    condition = request["StoppingCondition"]
    runtime = int(condition.get("MaxRuntimeInSeconds", _DEFAULT_RUNTIME_S))
    wait = condition.get("MaxWaitTimeInSeconds")
    if not request.get("EnableManagedSpotTraining"):
        if wait is not None:
            raise validation_error(
                "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to "
                "true"
            )
    elif wait is None or wait < runtime:
        raise validation_error(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )
    return runtime


def _checkpoints(config: Mapping[str, Any] | None) -> Checkpoints | None:
    if not config:
        return None
    path = (config.get("LocalPath") or _CHECKPOINTS).rstrip("/")
    folder = path.removeprefix("/opt/ml/")
    if folder == path or ".." in folder.split("/") or folder.split("/")[0] in ("", "input", "output"):
        raise validation_error(
            f"CheckpointConfig.LocalPath {path} is not part of the embedded AWS: choose {_CHECKPOINTS}."
        )
    return Checkpoints(S3Uri.parse(config["S3Uri"]), folder)


def _metric(definition: Mapping[str, str]) -> MetricDefinition:
    name, regex = definition["Name"], definition["Regex"]
    try:
        groups = re.compile(regex).groups
    except re.error as error:
        raise validation_error(f"Invalid regular expression of metric {name}: {regex}: {error}") from error
    if groups < 1:
        raise validation_error(
            f"The regular expression of metric {name} needs a group for the value: {regex}"
        )
    return MetricDefinition(name, regex)


def _missing(path: str) -> ApiError:
    return _bad(path, None, "Member must not be null")


def _bad(path: str, value: object, constraint: str) -> ApiError:
    shown = "null" if value is None else f"'{value}'"
    wire = ".".join(part[0].lower() + part[1:] for part in path.split("."))
    return validation_error(
        f"1 validation error detected: Value {shown} at '{wire}' failed to satisfy constraint: {constraint}"
    )
