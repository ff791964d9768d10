"""slipway destroy: back to nothing, and proof of it."""

from __future__ import annotations

import click

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.errors import LeftBehind, NotDeployed
from slipway.options import models_argument, stage_option
from slipway.project import Project
from slipway.story import Story
from stacks.settings import load_stage, model_names, stack_name


@click.command("destroy")
@models_argument
@stage_option
@click.option("--yes", is_flag=True, help="Do not ask (on dev and prod).")
def command(models: tuple[str, ...], stage: str, yes: bool) -> None:
    """Remove models, or with none named the whole stage, and count what is left.

    Jobs that are running are stopped first. On a stage that keeps no data the logs of all jobs go too; the
    jobs' own records stay on AWS, at no cost. On this machine, a stage that is empty takes the embedded
    AWS with it.

    \b
    slipway destroy
    slipway destroy iris --stage dev --yes
    """
    from slipway.deployment import forget_outputs
    from slipway.direct import delete_stacks, deployed_stacks
    from slipway.environment_removal import left_of, traces_of
    from slipway.job_removal import delete_job_logs, stop_jobs
    from slipway.removal import local_remains, remains_after_stop, retained

    project, story = Project.here(), Story()
    settings = load_stage(project.root, stage)
    local = LocalAws(project.root)
    if stage == "local" and local.server() is None:
        local.stop()  # what a killed server left
        story.say("Nothing is deployed here: the embedded AWS is not running.")
        story.next("slipway deploy")
        return
    server = local.server() if stage == "local" else None
    aws = Aws.local(settings, server) if server else Aws.account(settings)
    wanted = {stack_name(stage, model) for model in models}
    stacks = [name for name in deployed_stacks(aws, stage) if name in wanted or not models]
    if not stacks and models:
        raise NotDeployed(f"{', '.join(models)} is not deployed on {stage}.", fix="Look at: slipway status")
    if stage != "local" and not yes:
        click.confirm(f"Remove {', '.join(stacks)} from AWS?", abort=True, err=True)
    known = model_names(project.root)
    stop_jobs(aws, story, known, models)
    kept = retained(aws, stacks)
    traces = traces_of(aws, stacks)
    before = local.inventory() if server else None
    with story.step(f"delete {', '.join(stacks) or 'nothing'}"):
        delete_stacks(aws, stacks, story)
    forget_outputs(project, stacks)
    if not settings.retain_data and (deleted := delete_job_logs(aws, known, models)):
        story.say(f"deleted {deleted} log streams of jobs; AWS keeps the jobs' records, at no cost")
    for what, how in (*kept, *left_of(aws, traces)):
        story.say(f"kept     {what}\n         to remove it: {how}")
    if server and before and not models:
        remains = local_remains(local)
        local.stop()
        left = [*remains.left_behind, *remains_after_stop(local, before, server.port)]
        if left:
            raise LeftBehind(
                f"{len(left)} things are left.", why="\n".join(left), fix="Report this; it is a defect."
            )
        story.say(f"nothing left; AWS itself would keep {len(remains.kept)} resources of the CDK bootstrap")
    story.next(f"slipway deploy{'' if stage == 'local' else f' --stage {stage}'}")
