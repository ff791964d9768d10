"""What SageMaker is asked for when files are transformed: the request of CreateTransformJob, as plain data.

The deployed state machine sends it, and `slipway batch` does. Source: CreateTransformJob in the API
reference. Nothing here imports CDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stacks.instances import takes_volume_key
from stacks.job_settings import BatchSection


@dataclass(frozen=True, kw_only=True)
class TransformPlaces:
    """What a job runs and where its files are, as text; the state machine fills some in as it runs."""

    job_name: str
    model_name: str
    """SageMaker's Model: image, archive and role."""
    input: str
    """s3://bucket/prefix/ of CSV files without a header row."""
    output: str
    """s3://bucket/prefix/: a file a.csv becomes a.csv.out."""
    key_arn: str | None = None
    """Encrypts what the job writes; None is the bucket's own."""


def transform_job_request(
    batch: BatchSection, places: TransformPlaces, tags: Mapping[str, str]
) -> dict[str, Any]:
    """Return the request of CreateTransformJob: CSV, split and put together by line."""
    on_demand = {"MaxConcurrentTransforms": batch.max_concurrent} if batch.max_concurrent else {}
    return {
        "TransformJobName": places.job_name,
        "ModelName": places.model_name,
        "BatchStrategy": batch.strategy,
        "MaxPayloadInMB": batch.max_payload_mb,
        **on_demand,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": places.input}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": places.output,
            "Accept": "text/csv",
            "AssembleWith": "Line",
            **({"KmsKeyId": places.key_arn} if places.key_arn else {}),
        },
        "DataProcessing": {
            "InputFilter": batch.input_filter,
            "OutputFilter": batch.output_filter,
            "JoinSource": "Input" if batch.join else "None",
        },
        "TransformResources": {
            "InstanceType": batch.instance_type,
            "InstanceCount": batch.instance_count,
            **(
                {"VolumeKmsKeyId": places.key_arn}
                if places.key_arn and takes_volume_key(batch.instance_type)
                else {}
            ),
        },
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
