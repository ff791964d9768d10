"""slipway demo: everything once, and back to nothing."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass

import click

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.errors import LeftBehind
from slipway.options import json_option, settings_of
from slipway.ports import free_port
from slipway.project import Project
from slipway.story import Story
from slipway.verify import Replay
from stacks.settings import Settings

DOORS = {"sagemaker": "SageMaker Runtime"}


@dataclass(frozen=True)
class Row:
    """One line of the table at the end."""

    model: str
    target: str
    door: str
    rows: int
    agreement: float
    p50_ms: float
    left_behind: list[str]


@click.command("demo")
@json_option
def command(as_json: bool) -> None:
    """Train every model, deploy it on an embedded AWS with the CDK CLI, predict, destroy, prove it is empty.

    It starts an embedded AWS of its own, on a free port, and leaves one that runs already alone.

    \b
    slipway demo
    slipway demo --json
    """
    started = time.monotonic()
    project, story = Project.here(), Story()
    settings = settings_of(project, (), "local")
    replays, left, kept = run(project, settings, story)
    rows = [
        Row(
            model=model.name,
            target=model.serve.target,
            door=DOORS[model.serve.target],
            rows=replays[model.name].rows,
            agreement=replays[model.name].agreement,
            p50_ms=round(replays[model.name].p50_ms, 2),
            left_behind=left,
        )
        for model in settings.models
    ]
    if as_json:
        found = {"models": [asdict(row) for row in rows], "left_behind": left, "kept_by_aws": kept}
        print(json.dumps({**found, "seconds": round(time.monotonic() - started, 1)}))
    else:
        _print_table(rows)
    if left:
        raise LeftBehind(
            f"{len(left)} things are left.", why="\n".join(left), fix="Report this; it is a defect."
        )
    story.say(f"destroyed: nothing left (AWS itself would keep {len(kept)} resources of the CDK bootstrap)")
    story.say(f"{time.monotonic() - started:.0f} s in all")
    story.next(f"slipway deploy {settings.models[0].name}")


def run(project: Project, settings: Settings, story: Story) -> tuple[dict[str, Replay], list[str], list[str]]:
    """Go through the whole life of every model.

    Returns:
        The replay of each model, what is left behind, and what AWS itself keeps.
    """
    from slipway.cdk import stacks_of
    from slipway.deployment import deploy
    from slipway.removal import destroy_stacks, local_remains, remains_after_stop
    from training.train import train

    for model in settings.models:
        with story.step(f"train {model.name}"):
            artifact = train(project.root, model, progress=story.event)
        story.say(f"         {artifact.version}: " + _metrics(artifact.manifest["metrics"]))
    local = LocalAws(project.root, name="demo")
    try:
        with story.step("start an embedded AWS"):
            server = local.start(free_port(), progress=story.event)
        aws = Aws.local(settings.stage, server)
        replays = deploy(project, aws, settings.models, {}, story, direct=False)
        for model in settings.models:
            _show_one_request(aws, model.name, story)
        before = local.inventory()
        destroy_stacks(project, aws, stacks_of("local", [model.name for model in settings.models]), story)
        remains = local_remains(local)
    finally:
        local.stop()
    left = [*remains.left_behind, *remains_after_stop(local, before, server.port)]
    return replays, left, remains.kept


def _show_one_request(aws: Aws, model: str, story: Story) -> None:
    from training.artifact import load_artifact

    artifact = load_artifact(Project.here().root, model)
    row = ",".join(str(cell) for cell in artifact.manifest["golden"]["rows"][0])
    answer = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=aws.outputs(model)["EndpointName"], Body=row, ContentType="text/csv", Accept="text/csv"
    )
    story.say(f"         {row} -> {answer['Body'].read().decode().strip()}   (boto3 invoke_endpoint)")


def _metrics(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in metrics.items()) + " on held-back rows"


def _print_table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "target", "door", "rows", "agreement with training", "p50 latency")
    for row in rows:
        table.add_row(
            row.model, row.target, row.door, str(row.rows), f"{row.agreement:.3f}", f"{row.p50_ms:.1f} ms"
        )
    Console(file=sys.stdout).print(table)
