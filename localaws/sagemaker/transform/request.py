"""CreateTransformJob's request, checked as SageMaker checks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.sagemaker import shapes
from localaws.sagemaker.errors import validation_error
from localaws.sagemaker.transform import data_processing
from localaws.sagemaker.transform.files import Inputs
from localaws.sagemaker.transform.processing import Processing

MAX_PAYLOAD_MB = 100
MULTI, SINGLE = "MultiRecord", "SingleRecord"
DEFAULTS: dict[str, dict[str, Any]] = {
    "TransformInput": {"CompressionType": "None", "SplitType": "None"},
    "TransformOutput": {"AssembleWith": "None"},
    "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"},
}


@dataclass(frozen=True)
class TransformRequest:
    """What a job does. None is what the container may decide. Times are seconds."""

    name: str
    model_name: str
    inputs: Inputs
    output_uri: str
    kms_key: str | None
    content_type: str | None
    accept: str | None
    lines: bool
    assemble_lines: bool
    processing: Processing
    strategy: str | None
    max_concurrent: int | None
    max_payload_mb: int | None
    timeout_s: int
    retries: int
    environment: Mapping[str, str]
    instances: int

    @property
    def headers(self) -> dict[str, str]:
        """What every request to the model carries."""
        given = {"Content-Type": self.content_type, "Accept": self.accept}
        return {name: value for name, value in given.items() if value}

    @property
    def variables(self) -> dict[str, str]:
        """What the container's environment gets beside the model's own; each limit only where given."""
        strategies = {MULTI: "MULTI_RECORD", SINGLE: "SINGLE_RECORD"}
        given = {
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": self.max_concurrent,
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": self.max_payload_mb,
            "SAGEMAKER_BATCH_STRATEGY": strategies.get(self.strategy or ""),
        }
        limits = {name: str(value) for name, value in given.items() if value is not None}
        return {"SAGEMAKER_BATCH": "true", **limits, **self.environment}


def parsed(request: Mapping[str, Any]) -> TransformRequest:
    """Return a request's content. Raises the ValidationException of what is wrong with it."""
    shapes.check("CreateTransformJob", request)
    source, target = request["TransformInput"], request["TransformOutput"]
    data = source["DataSource"]["S3DataSource"]
    _refuse(data["S3DataType"] not in ("ManifestFile", "S3Prefix"), f"S3DataType {data['S3DataType']}")
    split = source.get("SplitType", "None")
    _refuse(split in ("RecordIO", "TFRecord"), f"SplitType {split}")
    _refuse("DataCaptureConfig" in request, "DataCaptureConfig of a transform job")
    client = request.get("ModelClientConfig") or {}
    concurrent, payload = _limits(request)
    return TransformRequest(
        name=request["TransformJobName"],
        model_name=request["ModelName"],
        inputs=Inputs(
            uri=data["S3Uri"],
            manifest=data["S3DataType"] == "ManifestFile",
            gzip=source.get("CompressionType") == "Gzip",
        ),
        output_uri=target["S3OutputPath"],
        kms_key=target.get("KmsKeyId") or None,
        content_type=source.get("ContentType") or None,
        accept=target.get("Accept") or None,
        lines=split == "Line",
        assemble_lines=target.get("AssembleWith") == "Line",
        processing=data_processing.parsed(request.get("DataProcessing") or {}, source, target),
        strategy=request.get("BatchStrategy"),
        max_concurrent=concurrent,
        max_payload_mb=payload,
        timeout_s=client.get("InvocationsTimeoutInSeconds", 600),
        retries=client.get("InvocationsMaxRetries", 3),
        environment=request.get("Environment") or {},
        instances=request["TransformResources"]["InstanceCount"],
    )


def _limits(request: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return MaxConcurrentTransforms, None for 0, and MaxPayloadInMB. The limits are the API reference's."""
    concurrent, payload = request.get("MaxConcurrentTransforms") or None, request.get("MaxPayloadInMB")
    if (payload or 0) > MAX_PAYLOAD_MB:
        raise validation_error(
            f"1 validation error detected: Value '{payload}' at 'maxPayloadInMB' failed to satisfy "
            f"constraint: Member must have value less than or equal to {MAX_PAYLOAD_MB}"
        )
    if (concurrent or 1) * (payload or 0) > MAX_PAYLOAD_MB:
        raise validation_error(
            f"MaxConcurrentTransforms ({concurrent}) multiplied by MaxPayloadInMB ({payload}) must not "
            f"exceed {MAX_PAYLOAD_MB} MB."
        )
    return concurrent, payload


def _refuse(refused: bool, what: str) -> None:
    """Raise the ValidationException for what AWS does and the embedded AWS does not."""
    if refused:
        raise validation_error(f"{what} is not part of the embedded AWS.")
