"""What SageMaker is asked for when a model is trained: the request of CreateTrainingJob, as plain data.

The deployed state machine sends it, and `slipway train --on sagemaker` does. Sources: CreateTrainingJob in
the API reference; for hyperparameters and channels sagemaker-training 4.8.0 (script mode) and the
documentation of the built-in XGBoost algorithm. Nothing here imports CDK.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stacks.images import PREBUILT, PrebuiltImage
from stacks.instances import takes_volume_key
from stacks.metrics import METRICS
from stacks.settings import ModelSettings
from stacks.storage import CODE_FILE, TRAIN, VALIDATION
from training.artifact import pack

# One thread and one hash seed: the same rows give the same bytes, run after run, and here as on AWS.
REPRODUCIBLE = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "default"}
SCRIPT, REQUIREMENTS = "train.py", "requirements.txt"
_SECONDS = 60
_LOG_LEVEL_WARNING = 30  # the number of Python's logging module; at INFO the toolkit prints all it knows
_CODE_CHANNEL = "code"
# What XGBoost measures where eval_metric does not say, of the metrics that a gate can bound.
_DEFAULT_METRICS = {
    "reg:squarederror": "rmse",
    "reg:linear": "rmse",
    "reg:logistic": "rmse",
    "reg:absoluteerror": "mae",
}


@dataclass(frozen=True, kw_only=True)
class TrainingPlaces:
    """Where a job runs and where its things are, as text; the state machine fills some in as it runs."""

    job_name: str
    image_uri: str
    role_arn: str
    train: str
    """s3://bucket/prefix/ of the rows to fit on."""
    validation: str
    """s3://bucket/prefix/ of the rows to measure on; not used where the split leaves none."""
    code: str
    """s3://bucket/prefix/ that holds CODE_FILE; script mode only."""
    output: str
    """s3://bucket/prefix/; the job's name and output/model.tar.gz follow."""
    checkpoints: str
    """s3://bucket/prefix/; spare machines only."""
    region: str
    key_arn: str | None = None
    """Encrypts what the job writes; None is the bucket's own."""


def can_train_on_sagemaker(model: ModelSettings) -> bool:
    """Return whether there is something to train: XGBoost needs no script, all else a train.py."""
    return is_algorithm(model) or (model.folder / SCRIPT).is_file()


def is_algorithm(model: ModelSettings) -> bool:
    """Return whether AWS's built-in algorithm trains it, and not a script."""
    return model.model.framework == "xgboost"


def training_image(model: ModelSettings) -> PrebuiltImage:
    """Return the image that trains it."""
    return PREBUILT[model.model.framework]


def training_code(model: ModelSettings) -> bytes:
    """Return the script as a tar.gz, with its requirements where it has some; equal files, equal bytes."""
    names = [name for name in (SCRIPT, REQUIREMENTS) if (model.folder / name).is_file()]
    return pack({name: (model.folder / name).read_bytes() for name in names})


def training_metrics(model: ModelSettings) -> dict[str, str]:
    """Return what a job measures on the validation rows: the job's name of a metric, by the gate's."""
    if not is_algorithm(model):
        return {name: name for name in model.train.metrics}
    if not model.split.validation:
        return {}
    asked = model.model.hyperparameters
    measured = asked.get("eval_metric") or _DEFAULT_METRICS.get(
        str(asked.get("objective", "reg:squarederror")), ""
    )
    names = [name.strip() for name in str(measured).split(",")]
    return {name: f"validation:{name}" for name in METRICS[model.model.task] if name in names}


def training_job_request(
    model: ModelSettings, places: TrainingPlaces, tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return the request of CreateTrainingJob.

    With several instances each gets a part of the files of the train channel, as XGBoost's own distributed
    training wants it: so there must be as many files as instances at least.
    """
    train = model.train
    return {
        "TrainingJobName": places.job_name,
        "AlgorithmSpecification": {
            "TrainingImage": places.image_uri,
            "TrainingInputMode": "File",
            **_metric_definitions(model),
        },
        "RoleArn": places.role_arn,
        "HyperParameters": hyperparameters(model, places.region),
        "Environment": dict(REPRODUCIBLE),
        "InputDataConfig": _channels(model, places),
        "OutputDataConfig": {
            # SageMaker puts a slash behind it, and the job's name; roles name the key with that one slash.
            "S3OutputPath": places.output.rstrip("/"),
            **({"KmsKeyId": places.key_arn} if places.key_arn else {}),
        },
        "ResourceConfig": {
            "InstanceType": train.instance_type,
            "InstanceCount": train.instance_count,
            "VolumeSizeInGB": train.volume_gb,
            **(
                {"VolumeKmsKeyId": places.key_arn}
                if places.key_arn and takes_volume_key(train.instance_type)
                else {}
            ),
        },
        "StoppingCondition": _stopping_condition(model),
        # A script's requirements are installed when the job starts, and that takes a network.
        "EnableNetworkIsolation": train.network_isolation and not _installs(model),
        "EnableInterContainerTrafficEncryption": train.instance_count > 1,
        **(
            {"EnableManagedSpotTraining": True, "CheckpointConfig": {"S3Uri": places.checkpoints}}
            if train.spot
            else {}
        ),
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }


def hyperparameters(model: ModelSettings, region: str) -> dict[str, str]:
    """Return the job's hyperparameters, which are text: JSON in script mode, plain for the algorithm."""
    asked = model.model.hyperparameters
    if is_algorithm(model):
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in asked.items()}
    of_the_toolkit = {
        "sagemaker_program": SCRIPT,
        "sagemaker_submit_directory": f"/opt/ml/input/data/{_CODE_CHANNEL}/{CODE_FILE}",
        "sagemaker_region": region,
        "sagemaker_container_log_level": _LOG_LEVEL_WARNING,
    }
    return {name: json.dumps(value) for name, value in {**asked, **of_the_toolkit}.items()}


def _metric_definitions(model: ModelSettings) -> dict[str, Any]:
    # AWS knows what its own algorithm prints, and refuses definitions for it.
    if is_algorithm(model) or not model.train.metrics:
        return {}
    return {
        "MetricDefinitions": [
            {"Name": name, "Regex": pattern} for name, pattern in model.train.metrics.items()
        ]
    }


def _channels(model: ModelSettings, places: TrainingPlaces) -> list[dict[str, Any]]:
    shared = model.train.instance_count > 1 and is_algorithm(model)
    channels = [_channel(TRAIN, places.train, "text/csv", "ShardedByS3Key" if shared else "FullyReplicated")]
    if model.split.validation:
        channels.append(_channel(VALIDATION, places.validation, "text/csv"))
    if not is_algorithm(model):
        channels.append(_channel(_CODE_CHANNEL, places.code, "application/x-tar"))
    return channels


def _channel(
    name: str, place: str, content_type: str, distribution: str = "FullyReplicated"
) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": place, "S3DataDistributionType": distribution}
    return {"ChannelName": name, "ContentType": content_type, "DataSource": {"S3DataSource": source}}


def _stopping_condition(model: ModelSettings) -> dict[str, int]:
    train = model.train
    condition = {"MaxRuntimeInSeconds": train.max_runtime_minutes * _SECONDS}
    if train.spot:
        wait = train.max_wait_minutes or 2 * train.max_runtime_minutes
        condition["MaxWaitTimeInSeconds"] = wait * _SECONDS
    return condition


def _installs(model: ModelSettings) -> bool:
    return not is_algorithm(model) and (model.folder / REQUIREMENTS).is_file()
