"""The project's folder, and the tools of its environment."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import ToolMissing


@dataclass(frozen=True)
class Project:
    """The folder of a fork of Slipway."""

    root: Path

    @classmethod
    def here(cls) -> Project:
        """Return the project around the current folder, else the one that this installation belongs to."""
        current = Path.cwd()
        for folder in (current, *current.parents):
            if (folder / "stages.toml").is_file() and (folder / "model_code").is_dir():
                return cls(folder)
        return cls(Path(__file__).resolve().parents[1])

    @property
    def bin(self) -> Path:
        """Where the environment's programs are: python, node, cdk."""
        return Path(sys.executable).parent

    def tool(self, name: str) -> str:
        """Return the path of a program of the environment.

        Raises:
            ToolMissing: setup did not finish.
        """
        path = self.bin / name
        if not path.exists():
            raise ToolMissing(f"{name} is not in {self.bin.parent.name}.", fix="Run: make setup")
        return str(path)

    def path_variable(self) -> str:
        """Return a PATH on which the environment's own programs come first."""
        return os.pathsep.join([str(self.bin), os.environ.get("PATH", os.defpath)])
