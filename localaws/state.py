"""The folder of one embedded AWS, shared by who starts it and by the server itself. Standard library only."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

TOKEN_HEADER = "X-Slipway-Token"  # noqa: S105  the header's name, not a token
HEALTH_PATH = "/_slipway/health"
INVENTORY_PATH = "/_slipway/inventory"


@dataclass(frozen=True)
class Run:
    """One start of the server: where it listens and the secret that proves an answer comes from it."""

    port: int
    token: str
    pid: int = 0


@dataclass(frozen=True)
class StateFolder:
    """`<root>/.slipway/<name>`: the run file, the log, and what a stop removes (tmp, fleets)."""

    root: Path
    name: str = "localaws"

    @property
    def folder(self) -> Path:
        """The folder itself."""
        return self.root / ".slipway" / self.name

    @property
    def envs(self) -> Path:
        """Locked environments; they outlive every run."""
        return self.root / ".slipway" / "envs"

    @property
    def images(self) -> Path:
        """Images and image definitions that were built here; they outlive every run."""
        return self.root / ".slipway" / "images"

    @property
    def run_file(self) -> Path:
        """Port, token and process id of the last start, readable by the owner alone."""
        return self.folder / "run.json"

    @property
    def log(self) -> Path:
        """What the server printed in the last run."""
        return self.folder / "server.log"

    @property
    def tmp(self) -> Path:
        """The server's TMPDIR."""
        return self.folder / "tmp"

    @property
    def fleets(self) -> Path:
        """One folder a model server."""
        return self.folder / "fleets"

    def read_run(self) -> Run | None:
        """Return the last start, or None where there was none or its file is not readable JSON."""
        try:
            return Run(**json.loads(self.run_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write_run(self, run: Run) -> None:
        """Write the run file, mode 0600 from its first byte, in one rename."""
        self.folder.mkdir(parents=True, exist_ok=True)
        staging = self.run_file.with_suffix(".new")
        staging.unlink(missing_ok=True)
        descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            json.dump(asdict(run), handle)
        staging.replace(self.run_file)
