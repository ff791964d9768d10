"""What SageMaker tells a training container: hyperparameters, channels, hosts, checkpoints."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

IMAGE_BASE = Path("/opt/ml")


@dataclass(frozen=True)
class Job:
    """One host's view of a job; `base` stands for /opt/ml."""

    base: Path
    hyperparameters: Mapping[str, str]
    channels: Mapping[str, Mapping[str, Any]]
    hosts: tuple[str, ...]
    host: str
    checkpoints: Path | None
    port: int | None
    """Where the hosts meet on 127.0.0.1; None where they are machines with names."""

    def channel(self, name: str) -> Path:
        """Return the folder of a channel."""
        return self.base / "input" / "data" / name

    @property
    def model(self) -> Path:
        """The folder whose content becomes model.tar.gz."""
        return self.base / "model"


def read_job(base: Path) -> Job:
    """Return the job that the files in `base`/input/config describe. Raises OSError and ValueError."""
    config = base / "input" / "config"
    resources = _read(config / "resourceconfig.json", {"hosts": ["algo-1"], "current_host": "algo-1"})
    port = os.environ.get("SLIPWAY_JOB_PORT")
    return Job(
        base,
        _read(config / "hyperparameters.json"),
        _read(config / "inputdataconfig.json"),
        tuple(sorted(resources["hosts"])),
        resources["current_host"],
        _checkpoints(base, config / "checkpointconfig.json"),
        int(port) if port else None,
    )


def _checkpoints(base: Path, file: Path) -> Path | None:
    """Return the folder of checkpoints.

    The one that the job's CheckpointConfig names, or checkpoints/ where the folder alone is there.
    """
    folder = base / "checkpoints"
    named = _read(file, {}).get("LocalPath")
    if named:
        path = Path(named)
        return base / path.relative_to(IMAGE_BASE) if path.is_relative_to(IMAGE_BASE) else path
    return folder if folder.is_dir() else None


def _read(file: Path, default: Any = None) -> Any:
    if default is not None and not file.exists():
        return default
    return json.loads(file.read_text(encoding="utf-8"))
