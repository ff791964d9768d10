"""The EB CLI in an environment of its own, whose packages are pinned by hash: `make setup-dev` builds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from localaws.environments import Recipe, ensure_environment

_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[2]
_RECIPE = Recipe("awsebcli", _HERE / "requirements.txt")


class EbCli:
    """Runs `eb` in a folder of its own, with nothing but what `slipway env` gives a shell.

    Args:
        folder: an empty folder: its project.
        variables: where AWS is, and the keys.
        application: what `eb init` would have written down.
        environment: the default one of that application.
    """

    def __init__(self, folder: Path, variables: dict[str, str], application: str, environment: str) -> None:
        self._folder, self._variables = folder, variables
        settings = folder / ".elasticbeanstalk"
        settings.mkdir()
        (settings / "config.yml").write_text(
            f"branch-defaults: {{default: {{environment: {environment}}}}}\n"
            f"global: {{application_name: {application}, default_region: {variables['AWS_REGION']}}}\n"
        )

    def __call__(self, *arguments: str) -> str:
        """Return what a command prints.

        Raises:
            AssertionError: it fails; what it printed is the reason.
        """
        ended = subprocess.run(
            [str(program()), *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            # Some commands ask the package index whether there is a newer one of them: nobody answers.
            env={**self._variables, "HOME": str(self._folder), "HTTPS_PROXY": "http://127.0.0.1:9"},
        )
        if ended.returncode != 0:
            raise AssertionError(f"eb {' '.join(arguments)}: {ended.stdout}{ended.stderr}")
        return ended.stdout


def program() -> Path:
    """Return the program `eb`, which is installed first where it is missing."""
    envs = _ROOT / ".slipway" / "envs"
    envs.mkdir(parents=True, exist_ok=True)
    told = ensure_environment(_RECIPE, envs, progress=lambda line: print(line, file=sys.stderr))
    return told / "bin" / "eb"


if __name__ == "__main__":
    program()
