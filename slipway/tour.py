"""The whole life of every model on an embedded AWS of its own: what `slipway demo` shows."""

from __future__ import annotations

import collections
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from client import Client
from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.cdk import stacks_of
from slipway.deployment import Replays, deploy
from slipway.errors import DeployFailed, TrainingFailed
from slipway.ports import free_port
from slipway.processes import run_told
from slipway.project import Project
from slipway.removal import destroy_stacks, local_remains, remains_after_stop
from slipway.story import Story
from slipway.verify import CHAMPION, SHADOW, Replay, client_for
from stacks.settings import ModelSettings, Settings, load_settings
from training.artifact import Artifact, load_artifact

REQUESTS = 1000
# A model that was trained elsewhere may bring the script that trained it, which writes files into a folder.
ELSEWHERE = "elsewhere.py"
_METRICS_S = 15.0


@dataclass(frozen=True)
class Tour:
    """What was seen on the way.

    Args:
        replays: by model and variant.
        left_behind: what outlives the destroy; nothing, if all is well.
        kept: what AWS itself would keep.
    """

    replays: Replays
    left_behind: list[str]
    kept: list[str]


def take(project: Project, settings: Settings, story: Story) -> Tour:
    """Train, deploy, predict, try a shadow, destroy, and count what is left."""
    for model in settings.models:
        _package(project, model, story)
    local = LocalAws(project.root, name="demo")
    try:
        with story.step("start an embedded AWS"):
            server = local.start(free_port(), progress=story.event)
        aws = Aws.local(settings.stage, server)
        replays = deploy(project, aws, settings.models, {}, story, direct=False)
        for model in settings.models:
            _show_one_request(project, aws, model, story)
            if {variant.name for variant in model.serve.resolved_variants()} == {CHAMPION, "challenger"}:
                _show_shares(project, aws, model, story)
                replays[model.name] |= _show_shadow(project, aws, model, story)
        before = local.inventory()
        destroy_stacks(project, aws, stacks_of("local", [model.name for model in settings.models]), story)
        remains = local_remains(local)
    finally:
        local.stop()
    left = [*remains.left_behind, *remains_after_stop(local, before, server.port)]
    return Tour(replays, left, remains.kept)


def _package(project: Project, model: ModelSettings, story: Story) -> None:
    """Train a model, or train it elsewhere and import it, or take the artifact that is here."""
    from training.import_model import import_model
    from training.train import train

    artifacts: list[Artifact] = []
    if (model.folder / "train.py").is_file():
        with story.step(f"train {model.name}"):
            artifacts.append(train(project.root, model, progress=story.event))
    elif (model.folder / ELSEWHERE).is_file():
        with tempfile.TemporaryDirectory(prefix="slipway-elsewhere-") as folder:
            with story.step(f"train {model.name} elsewhere: python model_code/{model.name}/{ELSEWHERE}"):
                _run_elsewhere(project, model, Path(folder), story)
            for path in sorted(Path(folder).iterdir()):
                with story.step(f"import {path.name} into {model.name}"):
                    artifacts.append(import_model(project.root, model, path, progress=story.event))
    else:
        artifacts.append(load_artifact(project.root, model.name, model.serve.version))
    for artifact in artifacts:
        metrics = ", ".join(f"{name} {value:.3f}" for name, value in artifact.manifest["metrics"].items())
        story.say(f"         {artifact.version}: {metrics} on held-back rows")


def _run_elsewhere(project: Project, model: ModelSettings, folder: Path, story: Story) -> None:
    command = [sys.executable, str(model.folder / ELSEWHERE), str(folder)]
    status, lines = run_told(command, cwd=project.root, environment=dict(os.environ), tell=story.event)
    if status != 0:
        raise TrainingFailed(
            f"model_code/{model.name}/{ELSEWHERE} failed: exit code {status}.", why="\n".join(lines[-15:])
        )


def _show_one_request(project: Project, aws: Aws, model: ModelSettings, story: Story) -> None:
    variant = model.serve.resolved_variants()[0]
    artifact = load_artifact(project.root, model.name, variant.version)
    cells = artifact.manifest["golden"]["rows"][0]
    answer = client_for(aws, model.name).predict([cells])[0]
    row = ",".join(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells)
    shown = row if len(row) < 40 else f"{row[:36]} …"
    story.say(f"         {shown} -> {answer}   (boto3 invoke_endpoint)")


def _show_shares(project: Project, aws: Aws, model: ModelSettings, story: Story) -> None:
    with story.step(f"{REQUESTS} requests to {model.name}"):
        found = _ask(project, client_for(aws, model.name), model)
    weights = {variant.name: variant.weight for variant in model.serve.resolved_variants()}
    total = sum(weights.values())
    parts = [
        f"{name} {found[name]} of {REQUESTS} (weight {weights[name]:g} of {total:g})" for name in weights
    ]
    story.say(f"         {', '.join(parts)}")


def _show_shadow(project: Project, aws: Aws, model: ModelSettings, story: Story) -> dict[str, Replay]:
    """Deploy the challenger as a shadow instead, and count its copies."""
    versions = {variant.name: variant.version for variant in model.serve.resolved_variants()}
    parts = ((CHAMPION, versions[CHAMPION]), (SHADOW, versions["challenger"]))
    wanted = "[" + ", ".join(f'{{name="{name}", version="{version}"}}' for name, version in parts) + "]"
    context = {"models": model.name, f"{model.name}.serve.variants": wanted}
    shadowed = load_settings(project.root, {**context, "stage": "local"}).models
    story.say(f"         {model.name} again, its challenger as a shadow:")
    replays = deploy(project, aws, shadowed, context, story, direct=False)[model.name]
    with story.step(f"{REQUESTS} requests to {model.name}"):
        found = _ask(project, client_for(aws, model.name), model)
    before = replays[CHAMPION].requests
    copies = shadow_copies(aws, model.name, before + REQUESTS) - before
    story.say(f"         champion {found[CHAMPION]} of {REQUESTS}, and the shadow got {copies} copies")
    return {f"{name}, shadowed": replay for name, replay in replays.items()}


def _ask(project: Project, client: Client, model: ModelSettings) -> collections.Counter[str | None]:
    artifact = load_artifact(project.root, model.name, model.serve.resolved_variants()[0].version)
    wire = client.wire
    bodies = [wire.encode([row]) for row in artifact.manifest["golden"]["rows"]]
    kind = wire.content_type
    return collections.Counter(
        client.answer(bodies[number % len(bodies)], kind, kind).variant for number in range(REQUESTS)
    )


def shadow_copies(aws: Aws, model: str, expected: int) -> int:
    """Return how many requests CloudWatch counts for the shadow, once they are all there."""
    cloudwatch = aws.client("cloudwatch")
    deadline = time.monotonic() + _METRICS_S
    while True:
        now = datetime.now(UTC)
        points = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName="Invocations",
            Dimensions=[
                {"Name": "EndpointName", "Value": aws.outputs(model)["EndpointName"]},
                {"Name": "VariantName", "Value": SHADOW},
            ],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        found = int(sum(point["Sum"] for point in points))
        if found >= expected:
            return found
        if time.monotonic() > deadline:
            raise DeployFailed(f"The shadow of {model} got {found} copies of {expected} requests.")
        time.sleep(0.5)
