"""The whole life of every model on an embedded AWS of its own: what `slipway demo` shows."""

from __future__ import annotations

import collections
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from client import Client
from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.cdk import stacks_of
from slipway.deployment import Replays, deploy
from slipway.errors import DeployFailed
from slipway.ports import free_port
from slipway.project import Project
from slipway.removal import destroy_stacks, local_remains, remains_after_stop
from slipway.story import Story
from slipway.tour_batch import show_batch
from slipway.tour_beanstalk import show_environment
from slipway.tour_lambda import front_doors, show_function
from slipway.tour_packaging import needs_job, package_by_job, package_here
from slipway.verify import CHAMPION, SHADOW, Replay, client_for
from stacks.settings import ModelSettings, Settings, load_settings
from training.artifact import load_artifact

REQUESTS = 1000
_METRICS_S = 15.0


@dataclass(frozen=True)
class Tour:
    """What was seen on the way.

    Args:
        replays: by model and variant.
        batches: rows that came back from a transform job as they were predicted in memory, by model.
        left_behind: what outlives the destroy; nothing, if all is well.
        kept: what AWS itself would keep.
    """

    replays: Replays
    batches: dict[str, int]
    left_behind: list[str]
    kept: list[str]


def take(project: Project, settings: Settings, story: Story) -> Tour:
    """Train, deploy, predict, try a shadow, transform a file, destroy, and count what is left."""
    for model in settings.models:
        if not needs_job(model):
            package_here(project, model, story)
    batches = {}
    local = LocalAws(project.root, name="demo")
    try:
        with story.step("start an embedded AWS"):
            server = local.start(free_port(), progress=story.event)
        aws = Aws.local(settings.stage, server)
        for model in settings.models:
            if needs_job(model):
                package_by_job(project, aws, model, story)
        context = front_doors(settings.models)
        settings = load_settings(project.root, {**context, "stage": "local"})
        replays = deploy(project, aws, settings.models, context, story, direct=False)
        for model in settings.models:
            _show_one_request(project, aws, model, story)
            if {variant.name for variant in model.serve.resolved_variants()} == {CHAMPION, "challenger"}:
                _show_shares(project, aws, model, story)
                replays[model.name] |= _show_shadow(project, aws, model, story)
            if model.serve.on_lambda:
                replays[model.name] |= show_function(project, aws, model, story)
            if model.serve.on_beanstalk:
                replays[model.name] |= show_environment(project, aws, model, story)
            if needs_job(model) and model.serve.on_sagemaker:  # transform jobs are of endpoints' models
                batches[model.name] = show_batch(project, aws, model, story)
        before = local.inventory()
        destroy_stacks(project, aws, stacks_of("local", [model.name for model in settings.models]), story)
        remains = local_remains(local)
    finally:
        local.stop()
    left = [*remains.left_behind, *remains_after_stop(local, before, server.port)]
    return Tour(replays, batches, left, remains.kept)


def _show_one_request(project: Project, aws: Aws, model: ModelSettings, story: Story) -> None:
    variant = model.serve.resolved_variants()[0]
    artifact = load_artifact(project.root, model.name, variant.version)
    cells = artifact.manifest["golden"]["rows"][0]
    client = client_for(aws, model.name)
    kind = client.wire.content_type
    content = client.answer(client.wire.encode([cells]), kind, kind).content
    # An inference.py of a person's own answers in any form.
    answer = (
        content.decode("utf-8", "replace") if artifact.manifest["hooks"] else client.wire.decode(content)[0]
    )
    row = ",".join(f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in cells)
    shown = row if len(row) < 40 else f"{row[:36]} …"
    story.say(f"         {shown} -> {answer}   ({client.door.name})")


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
