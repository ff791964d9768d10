"""Which channels a job may have, and what their data may be."""

from collections.abc import Mapping
from typing import Any

from training.xgboost_algorithm.errors import UserError

DEFAULT_CONTENT_TYPE = "text/libsvm"
FORMATS = {
    "csv": "csv",
    "libsvm": "libsvm",
    "parquet": "parquet",
    "recordio-protobuf": "recordio-protobuf",
    "text/csv": "csv",
    "text/libsvm": "libsvm",
    "text/x-libsvm": "libsvm",
    "application/x-parquet": "parquet",
    "application/x-recordio-protobuf": "recordio-protobuf",
}
_DISTRIBUTIONS = ("FullyReplicated", "ShardedByS3Key")
_CONTENT = {
    "train": tuple(FORMATS),
    "validation": tuple(FORMATS),
    "code": ("text/python",),
}


def training_format(channels: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how the data is written: csv, libsvm or parquet; the train channel's is taken for both.

    Raises UserError where a channel is missing or not known, or its configuration is not supported.
    """
    if "train" not in channels:
        raise UserError("Missing required channel: train")
    for name, given in channels.items():
        if name not in _CONTENT:
            raise UserError(f"Extraneous channel found: {name}")
        _check(name, {"ContentType": DEFAULT_CONTENT_TYPE, **given})
    found = FORMATS[channels["train"].get("ContentType", DEFAULT_CONTENT_TYPE)]
    if found == "recordio-protobuf":
        raise UserError(
            "RecordIO-Protobuf is read by AWS's image only, not here. "
            "Write the data as CSV, LIBSVM or Parquet."
        )
    return found


def _check(name: str, configuration: Mapping[str, Any]) -> None:
    mode = configuration.get("TrainingInputMode", "File")
    distribution = configuration.get("S3DistributionType", "FullyReplicated")
    known = configuration["ContentType"] in _CONTENT[name]
    if mode == "Pipe" and known and name != "code" and "libsvm" not in configuration["ContentType"]:
        raise UserError(
            "Pipe mode is no longer supported. Please use Fast File mode (default) instead. "
            "Set input_mode='File' in your SageMaker Estimator or TrainingInput."
        )
    if not known or mode != "File" or distribution not in _DISTRIBUTIONS:
        raise UserError(f"Channel configuration for '{name}' channel is not supported: {dict(configuration)}")
