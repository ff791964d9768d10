"""slipway deploy: artifacts to endpoints, functions and environments."""

from __future__ import annotations

import shlex

import click

from localaws.control import DEFAULT_PORT
from model_code.serving.csv_cells import line_of
from slipway.options import aws_of, context_of, models_argument, set_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story
from stacks.beanstalk_combinations import Placed
from stacks.settings import NO_MODELS, Settings


@click.command("deploy")
@models_argument
@stage_option
@set_option
@click.option(
    "--cdk", "with_cdk", is_flag=True, help="On this machine too, deploy with the CDK command line."
)
@click.option("--shared", is_flag=True, help="Deploy what all models share, and no model: jobs need no more.")
@click.option(
    "--swap", is_flag=True, help="On Beanstalk: make a second environment, test it, and swap addresses."
)
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, help="Port of the embedded AWS, if it starts."
)
def command(
    models: tuple[str, ...],
    stage: str,
    overrides: tuple[str, ...],
    with_cdk: bool,
    shared: bool,
    swap: bool,
    port: int,
) -> None:
    """Deploy models (default: all), then check that each runs and answers what was trained.

    A model on Lambda or Beanstalk is packaged first. Each address, a curl line and the cost are told. A new
    version on Beanstalk arrives on machines beside those that answer; with --swap it gets an environment of
    its own first, which answers the golden rows before it is given the address.

    \b
    slipway deploy iris                  on this machine; starts the embedded AWS where none runs
    slipway deploy iris --stage dev      in the AWS account that your credentials are for
    slipway deploy iris_forest --swap    beside the version that answers, and then in its place
    """
    from slipway.api_story import tell_api
    from slipway.deployment import artifacts_of, deploy
    from slipway.environment_story import tell_environment
    from training.artifact import load_artifact

    if shared and models:
        raise click.UsageError("--shared is without models; a model's deploy brings the shared stack too.")
    models = (NO_MODELS,) if shared else models
    project, story = Project.here(), Story()
    settings = settings_of(project, models, stage, overrides)
    for model in settings.models:  # a missing artifact is said before anything starts
        artifacts_of(project, model)
    aws = aws_of(project, settings.stage, start=True, port=port)
    local = stage == "local"
    if not local and settings.models:
        story.say(f"{_billed(settings)} until: slipway destroy --stage {stage}")
    replays = deploy(
        project,
        aws,
        settings.models,
        context_of(models, stage, overrides),
        story,
        direct=local and not with_cdk,
        swap=swap,
    )
    for name, by_variant in replays.items():
        for variant, replay in by_variant.items():
            rows = f"{replay.rows} golden rows agree with training"
            if replay.agreement < 1:
                agreed = round(replay.agreement * replay.rows)
                rows = f"{agreed} of {rows}, and inference.py answers the others its own way"
            story.say(f"{name} {variant}: {rows}, p50 {replay.p50_ms:.1f} ms")
    for model in settings.models:
        if model.serve.has_api:
            tell_api(project, aws, model, story)
        if model.serve.on_beanstalk:
            tell_environment(project, aws, model, story)
    if shared:
        story.next(f"slipway train --on sagemaker{'' if local else f' --stage {stage}'}")
        return
    first = settings.models[0].name
    row = line_of(
        load_artifact(project.root, first, settings.models[0].serve.version).manifest["golden"]["rows"][0]
    )
    story.next(f"slipway predict {first} {shlex.quote(row)}{'' if local else f' --stage {stage}'}")


def _billed(settings: Settings) -> str:
    """Say what begins to cost money."""
    instances = [
        variant.instance_count or settings.stage.instance_count
        for model in settings.models
        if model.serve.target == "sagemaker"
        for variant in model.serve.resolved_variants()
    ]
    machines = [
        Placed(settings.stage, model.serve).min_count for model in settings.models if model.serve.on_beanstalk
    ]
    serverless = sum(model.serve.serverless for model in settings.models)
    functions = sum(model.serve.on_lambda for model in settings.models)
    parts = []
    if instances:
        parts.append(f"{sum(instances)} SageMaker instance(s) by the second from now on, used or not")
    if serverless:
        parts.append(f"{serverless} serverless endpoint(s) by the use")
    if machines:
        balancers = f" and {len(machines)} load balancer(s)" if settings.stage.load_balanced else ""
        parts.append(f"{sum(machines)} EC2 machine(s){balancers} by the second, used or not")
    if functions:
        parts.append(f"{functions} function(s) and their APIs by the request")
    return f"AWS bills {' and '.join(parts)},"
