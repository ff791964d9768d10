"""What the container's environment says, as one frozen object."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ..model import MANIFEST_SHA256
from .protocol import REQUEST_TIMEOUT_S

N = TypeVar("N", int, float)
_REAL_TIME_BYTES = 25 * 1024 * 1024
_BATCH_BYTES = 100 * 1024 * 1024
_MAX_ROWS = 100_000


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
    """SLIPWAY_MAX_BODY_BYTES: a larger request is refused; default: the 25 MB of a real-time endpoint.

    In a transform job, which sets SAGEMAKER_BATCH, the 100 MB that it may send.
    """
    max_rows: int
    """SLIPWAY_MAX_ROWS: a request with more is refused; a transform job's size alone bounds its rows."""
    request_timeout_s: float
    """SLIPWAY_REQUEST_TIMEOUT_S: how long a request may take to arrive, and its answer to be taken."""
    s3_prefixes: tuple[str, ...]
    """SLIPWAY_S3_PREFIXES: where a request may name an object, s3://bucket/prefix, comma separated."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> ServerSettings:
        """Read the environment.

        Raises:
            ValueError: a variable is no number, or a negative one; the text names it.
        """
        # SageMaker sets it to "true"; whatever it says, it is there in a transform job and nowhere else.
        batch = bool(environment.get("SAGEMAKER_BATCH"))
        most = _BATCH_BYTES if batch else _REAL_TIME_BYTES
        prefixes = environment.get("SLIPWAY_S3_PREFIXES", "").split(",")
        return cls(
            model_dir=Path(environment.get("SM_MODEL_DIR", "/opt/ml/model")),
            host=environment.get("SLIPWAY_BIND_HOST", "0.0.0.0"),  # noqa: S104
            port=_number(environment, "SAGEMAKER_BIND_TO_PORT", 8080, int),
            workers=_number(environment, "SAGEMAKER_MODEL_SERVER_WORKERS", 0, int) or _cores(),
            manifest_sha256=environment.get(MANIFEST_SHA256, ""),
            version=environment.get("SLIPWAY_MODEL_VERSION", ""),
            variant=environment.get("SLIPWAY_VARIANT", ""),
            max_body_bytes=_number(environment, "SLIPWAY_MAX_BODY_BYTES", most, int),
            max_rows=_number(environment, "SLIPWAY_MAX_ROWS", most if batch else _MAX_ROWS, int),
            request_timeout_s=_number(environment, "SLIPWAY_REQUEST_TIMEOUT_S", REQUEST_TIMEOUT_S, float),
            s3_prefixes=tuple(prefix.strip() for prefix in prefixes if prefix.strip()),
        )


def _number(environment: Mapping[str, str], name: str, default: N, kind: Callable[[str], N]) -> N:
    text = environment.get(name, "").strip()
    try:
        number = kind(text) if text else default
        if 0 <= number < math.inf:
            return number
    except ValueError:
        pass
    raise ValueError(f"{name} is {text!r}; it must be a number from 0 up, e.g. {default}.")


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
