"""What the function's environment says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..model import MANIFEST_SHA256

_MAX_ROWS = 100_000


class S3Place(NamedTuple):
    """Where the model is, if it is not in the package."""

    bucket: str
    """SLIPWAY_MODEL_BUCKET."""
    pointer: str
    """SLIPWAY_MODEL_POINTER: the key of what names the model in force, `models/<model>/current.json`."""
    owner: str
    """SLIPWAY_BUCKET_OWNER: the account whose bucket it has to be."""


class FunctionSettings(NamedTuple):
    """How the function answers."""

    model_dir: Path
    """SM_MODEL_DIR: the unpacked archive; default: `model` in the package."""
    manifest_sha256: str
    """SLIPWAY_MANIFEST_SHA256: what code/manifest.json must be."""
    version: str
    """SLIPWAY_MODEL_VERSION: the artifact's version."""
    max_rows: int
    """SLIPWAY_MAX_ROWS: a request with more is refused."""
    auth: str
    """SLIPWAY_API_AUTH: what a caller has to show to API Gateway: iam, api_key or none."""
    cors_origins: frozenset[str]
    """SLIPWAY_CORS_ORIGINS: whose pages may read answers, comma separated."""
    s3: S3Place | None
    """Where the model is in S3; it and its version then come from there."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> FunctionSettings:
        """Read the environment.

        Raises:
            ValueError: SLIPWAY_MAX_ROWS is no whole number from 1 up.
        """
        rows = environment.get("SLIPWAY_MAX_ROWS") or str(_MAX_ROWS)
        if not rows.isdecimal() or int(rows) < 1:
            raise ValueError(f"SLIPWAY_MAX_ROWS is {rows!r}; it must be a whole number from 1 up.")
        package = environment.get("LAMBDA_TASK_ROOT", "/var/task")
        origins = environment.get("SLIPWAY_CORS_ORIGINS", "").split(",")
        place = None
        if bucket := environment.get("SLIPWAY_MODEL_BUCKET"):
            place = S3Place(
                bucket,
                environment.get("SLIPWAY_MODEL_POINTER", ""),
                environment.get("SLIPWAY_BUCKET_OWNER", ""),
            )
        return cls(
            model_dir=Path(environment.get("SM_MODEL_DIR") or f"{package}/model"),
            manifest_sha256=environment.get(MANIFEST_SHA256, ""),
            version=environment.get("SLIPWAY_MODEL_VERSION", ""),
            max_rows=int(rows),
            auth=environment.get("SLIPWAY_API_AUTH") or "none",
            cors_origins=frozenset(origin.strip() for origin in origins if origin.strip()),
            s3=place,
        )
