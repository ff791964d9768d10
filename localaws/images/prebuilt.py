"""AWS's prebuilt images as processes: an environment with the image's libraries and its entry point."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from localaws.environments import Recipe, ensure_environment

STOP_GRACE_S = 30.0  # what AWS gives a container between SIGTERM and SIGKILL


@dataclass(frozen=True)
class Launch:
    """What to run: a command line and its whole environment.

    `shown` says what paths of this machine are called in the image, so that a log reads as it does there.
    `cleanup` is a command that removes what outlives the process, and `release` is called once it is gone.
    `grace_s` is the time between SIGTERM and SIGKILL.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    shown: Mapping[str, str] = field(default_factory=dict)
    cleanup: tuple[str, ...] = ()
    release: Callable[[], None] = lambda: None
    grace_s: float = 5.0


@dataclass(frozen=True)
class Place:
    """Where one container runs.

    Its folder (`opt/ml` inside it), its port, how many workers it may use, and how much memory; None is as
    much as there is.
    """

    folder: Path
    port: int
    workers: int
    memory_mb: int | None = None

    @property
    def base(self) -> Path:
        """What /opt/ml is in the image."""
        return self.folder / "opt" / "ml"

    def localize(self, name: str) -> None:
        """Rewrite a file below /opt/ml, for a process: the image's paths in it become this machine's."""
        file = self.base / name
        file.write_text(file.read_text().replace("/opt/ml", str(self.base)))

    def process_environment(
        self, variables: Mapping[str, str], of_image: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Return what a process sees that stands for a container: little of this machine.

        `of_image` is what the image itself sets; `variables` are the container's, with the image's paths.
        """
        return {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
            **(of_image or {}),
            **{name: value.replace("/opt/ml", str(self.base)) for name, value in variables.items()},
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
        }


class Runner(Protocol):
    """Turns an image into a command."""

    def prepare(self, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        """Make what the command needs inside the place's folder. `envs` holds shared environments.

        `variables` are the container's, with the paths that they have in the image.
        """


@dataclass(frozen=True)
class MetricDefinition:
    """A metric of a training job: its name, and the expression whose one group finds a value in a line."""

    name: str
    regex: str


@runtime_checkable
class TrainingImage(Protocol):
    """An image that can train as well; a training job with any other is refused."""

    @property
    def metric_definitions(self) -> Sequence[MetricDefinition]:
        """The metrics that the image brings itself, as AWS's built-in algorithms do."""

    def prepare_training(self, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        """Return the command that trains on one host and ends by itself, 0 for a success.

        `place.base` stands for /opt/ml and is complete: `input/config/*.json`, `input/data/<channel>/`, and
        `model/`, `output/data/`, `checkpoints/` and `code/` to write to. What a failure has to say goes to
        `output/failure`. The files name paths as they are in the image, and so do `variables`, in which
        SLIPWAY_JOB_PORT is a free port of 127.0.0.1 where the hosts of this job can meet.
        """


@dataclass(frozen=True)
class PrebuiltImage:
    """A script-mode image: the toolkits of AWS in a shared environment, started by the scripts of `folder`.

    `serve.py` serves, `train.py` trains. The code that a person brings is pip-installed at start, as in the
    image, into a layer of the container's own: a virtual environment whose search path ends in the shared
    one. pip works offline and without build isolation, so that what it can install is what the archive and
    the image hold.
    """

    folder: str
    recipe: Recipe
    metric_definitions: Sequence[MetricDefinition] = ()

    def prepare(self, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        """Return the serving command, in a layered environment of this container alone."""
        nginx = {"SAGEMAKER_USE_NGINX": "false"}  # the proxy of this server stands where nginx does
        return self._launch("serve.py", place, envs, {**variables, **nginx})

    def prepare_training(self, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        """Return the training command, in a layered environment of this host alone."""
        place.localize("input/config/hyperparameters.json")
        return self._launch("train.py", place, envs, variables)

    def _launch(self, script: str, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        shared = ensure_environment(self.recipe, envs)
        python = _layered(shared, place.folder / "venv")
        path = Path(__file__).resolve().parent / self.folder / script
        environment = {
            **place.process_environment(variables),
            "SAGEMAKER_BASE_DIR": str(place.base),
            "SAGEMAKER_MODEL_SERVER_WORKERS": str(place.workers),
            "PYTHONUNBUFFERED": "1",
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads this variable inverted: 0 switches isolation off
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_NO_COMPILE": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
        }
        here = place.folder
        shown = {str(shared): "/usr/local", str(here / "venv"): "/usr/local", str(here / "tmp"): "/tmp"}  # noqa: S108
        return Launch((str(python), str(path)), environment, shown)


def _layered(shared: Path, venv: Path) -> Path:
    """Make `venv`.

    Its own site-packages first, then all of `shared`, which nothing installed here can change.
    """
    (venv / "bin").mkdir(parents=True)
    shutil.copy(shared / "pyvenv.cfg", venv)
    python = venv / "bin" / "python"
    python.symlink_to((shared / "bin" / "python").resolve())
    packages = next((shared / "lib").glob("python3.*")) / "site-packages"
    own = venv / packages.relative_to(shared)
    own.mkdir(parents=True)
    # addsitedir, not a plain path line: the shared folder's own .pth files must be read too.
    (own / "shared.pth").write_text(f"import site; site.addsitedir({str(packages)!r})\n")
    return python
