"""How the demo comes by each model: trained here, trained as a job, or trained elsewhere and imported."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from slipway.aws import Aws
from slipway.errors import TrainingFailed
from slipway.processes import run_told
from slipway.project import Project
from slipway.shared import place_to_train
from slipway.story import Story
from stacks.settings import ModelSettings
from training.artifact import Artifact, load_artifact

# A model that was trained elsewhere may bring the script that trained it, which writes files into a folder.
ELSEWHERE = "elsewhere.py"


def needs_job(model: ModelSettings) -> bool:
    """Whether the demo trains a model as a SageMaker job: AWS's built-in algorithm, which has no script."""
    return model.model.framework == "xgboost"


def package_here(project: Project, model: ModelSettings, story: Story) -> None:
    """Train a model, or train it elsewhere and import it, or take the artifact that is here."""
    from training.train import train

    if (model.folder / "train.py").is_file():
        with story.step(f"train {model.name}"):
            artifacts = [train(project.root, model, progress=story.event)]
    elif (model.folder / ELSEWHERE).is_file():
        artifacts = _import_from_elsewhere(project, model, story)
    else:
        artifacts = [load_artifact(project.root, model.name, model.serve.version)]
    _tell(artifacts, story)


def package_by_job(project: Project, aws: Aws, model: ModelSettings, story: Story) -> None:
    """Train a model through CreateTrainingJob, and bring what it left here."""
    from training.sagemaker.trainer import SageMakerTrainer
    from training.train import train

    trainer = SageMakerTrainer(place_to_train(project, aws, story))
    with story.step(f"train {model.name} as a SageMaker job"):
        artifact = train(project.root, model, trainer=trainer, progress=story.event)
    _tell([artifact], story)


def _import_from_elsewhere(project: Project, model: ModelSettings, story: Story) -> list[Artifact]:
    from training.import_model import import_model

    artifacts = []
    with tempfile.TemporaryDirectory(prefix="slipway-elsewhere-") as folder:
        with story.step(f"train {model.name} elsewhere: python model_code/{model.name}/{ELSEWHERE}"):
            _run_elsewhere(project, model, Path(folder), story)
        for path in sorted(Path(folder).iterdir()):
            with story.step(f"import {path.name} into {model.name}"):
                artifacts.append(import_model(project.root, model, path, progress=story.event))
    return artifacts


def _run_elsewhere(project: Project, model: ModelSettings, folder: Path, story: Story) -> None:
    command = [sys.executable, str(model.folder / ELSEWHERE), str(folder)]
    status, lines = run_told(command, cwd=project.root, environment=dict(os.environ), tell=story.event)
    if status != 0:
        raise TrainingFailed(
            f"model_code/{model.name}/{ELSEWHERE} failed: exit code {status}.", why="\n".join(lines[-15:])
        )


def _tell(artifacts: list[Artifact], story: Story) -> None:
    for artifact in artifacts:
        metrics = ", ".join(f"{name} {value:.3f}" for name, value in artifact.manifest["metrics"].items())
        story.say(f"         {artifact.version}: {metrics} on held-back rows")
