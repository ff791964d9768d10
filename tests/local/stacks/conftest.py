"""Projects on an embedded AWS of their own. The tests of a folder below share one that is deployed once."""

from __future__ import annotations

import fcntl
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.cdk import stacks_of
from slipway.deployment import deploy
from slipway.direct import delete_stacks, deployed_stacks
from slipway.job_removal import delete_job_logs
from slipway.ports import free_port
from slipway.project import Project
from slipway.removal import destroy_stacks, local_remains, remains_after_stop
from slipway.story import Story
from slipway.verify import Replay
from stacks.settings import Settings, load_settings
from tests.unit.conftest import CSV_TRAIN
from training.train import train

ROOT = Path(__file__).parents[3]
BREAST_CANCER = """
[model]
task = "classification"
data = "sklearn:breast_cancer"
label = "diagnosis"
[gate]
balanced_accuracy = 0.9
"""
FLATS = """
[model]
task = "regression"
data = "flats.csv"
label = "price"
hyperparameters = { n_estimators = 5 }
[gate]
r2 = 0.5
"""


@dataclass(frozen=True)
class Deployed:
    """A deployed project and its embedded AWS."""

    project: Project
    settings: Settings
    local: LocalAws
    aws: Aws
    story: Story

    def redeploy(self, model: str, *, swap: bool = False, **context: str) -> dict[str, Replay]:
        """Deploy one model again, with the driver of the inner loop, and return what the replay showed."""
        given = {"models": model, **context}
        models = load_settings(self.project.root, given).models
        return deploy(self.project, self.aws, models, given, self.story, direct=True, swap=swap)[model]


def make_project(root: Path) -> Project:
    """Copy what a fork owns, with the model iris, and share the built environments and packages."""
    for name in ("app.py", "cdk.json", "stages.toml"):
        shutil.copy(ROOT / name, root)
    for name in ("serving", "iris"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "model_code" / name, root / "model_code" / name, ignore=ignored)
    (root / ".slipway").mkdir()
    for name in ("envs", "packages"):
        (ROOT / ".slipway" / name).mkdir(parents=True, exist_ok=True)
        (root / ".slipway" / name).symlink_to(ROOT / ".slipway" / name)
    (root / ".venv").symlink_to(Path(sys.prefix))  # cdk.json names the project's own Python
    return Project(root)


def add_models_of_ones_own(root: Path) -> None:
    """Drop two more models in as folders: another data set of scikit-learn, and a CSV file."""
    cancer = root / "model_code" / "breast_cancer"
    cancer.mkdir()
    (cancer / "model.toml").write_text(BREAST_CANCER)
    script = (ROOT / "model_code" / "iris" / "train.py").read_text()
    (cancer / "train.py").write_text(script.replace('"species"', '"diagnosis"'))
    flats = root / "model_code" / "flats"
    flats.mkdir()
    (flats / "model.toml").write_text(FLATS)
    (flats / "train.py").write_text(CSV_TRAIN)
    rows = [f"{40 + n},{n % 4},{1000 + 37 * n}" for n in range(60)]
    (flats / "flats.csv").write_text("area,rooms,price\n" + "\n".join(rows) + "\n")


@pytest.fixture
def default_port(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """The port that commands take by themselves, for one test of all workers at a time."""
    base = tmp_path_factory.getbasetemp()
    with ((base if worker_id == "master" else base.parent) / "default-port.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def project_with(root: Path, model: str) -> Project:
    """Make a project of one model that comes with Slipway."""
    project = make_project(root)
    shutil.rmtree(root / "model_code" / "iris")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "model_code" / model, root / "model_code" / model, ignore=ignored)
    return project


@contextmanager
def deployed_on_this_machine(project: Project, *, direct: bool) -> Iterator[Deployed]:
    """Train and deploy all models of a project, and see at the end that nothing of them is left.

    Args:
        project: whose.
        direct: with the driver of the inner loop, which waits less, and not with the CDK CLI.
    """
    story = Story()
    settings = load_settings(project.root)
    for model in settings.models:
        train(project.root, model)
    local = LocalAws(project.root)
    port = free_port()
    try:
        server = local.start(port)
        aws = Aws.local(settings.stage, server)
        deploy(project, aws, settings.models, {}, story, direct=direct)
        yield Deployed(project, settings, local, aws, story)

        before = local.inventory()
        names = [model.name for model in settings.models]
        if direct:
            delete_stacks(aws, deployed_stacks(aws, "local"), story)
            delete_job_logs(aws, names)
        else:
            destroy_stacks(project, aws, stacks_of("local", names), story)
        left = local_remains(local).left_behind
    finally:
        local.stop()
    assert before.processes
    assert [*left, *remains_after_stop(local, before, port)] == []
