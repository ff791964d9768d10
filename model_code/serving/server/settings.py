"""What the container's environment says, as one frozen object."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..model import MANIFEST_SHA256


@dataclass(frozen=True)
class ServerSettings:
    """How the server runs.

    The names with SAGEMAKER and SM are SageMaker's own; AWS sets none of them for an image of ours.
    """

    model_dir: Path
    """SM_MODEL_DIR: the unpacked archive."""
    host: str
    """SLIPWAY_BIND_HOST. A container listens on every address of its own network."""
    port: int
    """SAGEMAKER_BIND_TO_PORT."""
    workers: int
    """SAGEMAKER_MODEL_SERVER_WORKERS: processes; default: as many as this container may use cores."""
    manifest_sha256: str
    """SLIPWAY_MANIFEST_SHA256: what code/manifest.json must be."""
    version: str
    """SLIPWAY_MODEL_VERSION: the artifact's version, for the answer's header."""
    variant: str
    """SLIPWAY_VARIANT: the production variant, for the answer's header."""
    max_body_bytes: int
    """SLIPWAY_MAX_BODY_BYTES: a larger request is refused; default: the 25 MB of a real-time endpoint."""
    max_rows: int
    """SLIPWAY_MAX_ROWS: a request with more is refused."""
    s3_prefixes: tuple[str, ...]
    """SLIPWAY_S3_PREFIXES: where a request may name an object, s3://bucket/prefix, comma separated."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ServerSettings:
        """Read the environment.

        Raises:
            ValueError: a number is none.
        """
        prefixes = environment.get("SLIPWAY_S3_PREFIXES", "").split(",")
        return cls(
            model_dir=Path(environment.get("SM_MODEL_DIR", "/opt/ml/model")),
            host=environment.get("SLIPWAY_BIND_HOST", "0.0.0.0"),  # noqa: S104
            port=int(environment.get("SAGEMAKER_BIND_TO_PORT", "8080")),
            workers=max(1, int(environment.get("SAGEMAKER_MODEL_SERVER_WORKERS", "0")) or _cores()),
            manifest_sha256=environment.get(MANIFEST_SHA256, ""),
            version=environment.get("SLIPWAY_MODEL_VERSION", ""),
            variant=environment.get("SLIPWAY_VARIANT", ""),
            max_body_bytes=int(environment.get("SLIPWAY_MAX_BODY_BYTES", str(25 * 1024 * 1024))),
            max_rows=int(environment.get("SLIPWAY_MAX_ROWS", "100000")),
            s3_prefixes=tuple(prefix for prefix in prefixes if prefix),
        )


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
