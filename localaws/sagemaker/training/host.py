"""One host of a training job: a process with an /opt/ml of its own."""

import json
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from localaws.images.prebuilt import Launch, Place
from localaws.sagemaker.container import Container
from localaws.sagemaker.logs import LogStream
from localaws.sagemaker.training.request import TrainingRequest

_GROUP = "homogeneousCluster"  # SageMaker's name for the hosts of a job without instance groups
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
_FAILURE_BYTES = 8192  # read of `output/failure`: far more than is told


def host_names(count: int) -> list[str]:
    """Return what SageMaker calls the hosts of a job."""
    return [f"algo-{number}" for number in range(1, count + 1)]


class TrainingHost:
    """Its folder, its log and its process, from laying out to removal."""

    def __init__(
        self, name: str, folder: Path, port: int, log: LogStream, watch: Callable[[tuple[int, str]], None]
    ) -> None:
        self.name = name
        self.log = log
        self._watch = watch
        # The folder's name says which host of which job it is, and a second job may have the name.
        place = Place(folder.with_name(f"{folder.name}-{name}-{uuid.uuid4().hex[:8]}"), port, workers=1)
        self._container = Container(place, self._take)

    @property
    def place(self) -> Place:
        """Where it runs."""
        return self._container.place

    def folder(self, name: str) -> Path:
        """Return a folder of its /opt/ml."""
        return self.place.base / name

    def lay_out(self, request: TrainingRequest) -> None:
        """Make its folders, and the files that tell the algorithm what it is to do."""
        for name in ("input/config", "input/data", "model", "output/data", "code"):
            self.folder(name).mkdir(parents=True)
        (self.place.folder / "tmp").mkdir()
        self._configure("hyperparameters", request.hyperparameters)
        self._configure("inputdataconfig", {entry.name: entry.config for entry in request.channels})
        self._configure("resourceconfig", _resources(request, self.name))
        if request.checkpoints:  # an algorithm that finds the folder writes a checkpoint every round
            self.folder(request.checkpoints.folder).mkdir(parents=True, exist_ok=True)
            self._configure("checkpointconfig", {"LocalPath": f"/opt/ml/{request.checkpoints.folder}"})

    def start(self, launch: Launch) -> None:
        """Start the algorithm."""
        self._container.start(launch)

    def poll(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self._container.wait(0)

    def failure(self) -> str | None:
        """Return what the algorithm says of its failure, with the paths of the image; None for nothing."""
        try:
            with (self.place.base / "output" / "failure").open("rb") as file:
                text = file.read(_FAILURE_BYTES).decode(errors="replace")
        except OSError:
            return None
        return self._container.as_shown(text)

    def interrupt(self) -> None:
        """Ask the algorithm to end."""
        self._container.interrupt()

    def end(self, grace_s: float = 0.0) -> None:
        """End what still runs. Its files stay."""
        self._container.end(grace_s)

    def remove(self) -> None:
        """End it and remove its files."""
        self._container.stop(0.0)

    def _take(self, line: tuple[int, str]) -> None:
        self.log.append(line)
        self._watch(line)

    def _configure(self, name: str, content: object) -> None:
        (self.folder("input/config") / f"{name}.json").write_text(json.dumps(content))


def _resources(request: TrainingRequest, current: str) -> Mapping[str, object]:
    names: Sequence[str] = host_names(request.hosts)
    group = {"instance_group_name": _GROUP, "instance_type": request.instance_type, "hosts": names}
    return {
        "current_host": current,
        "current_instance_type": request.instance_type,
        "current_group_name": _GROUP,
        "hosts": names,
        "instance_groups": [group],
        "network_interface_name": _LOOPBACK,
    }
