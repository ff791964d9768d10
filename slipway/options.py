"""Options and steps that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from localaws.control import DEFAULT_PORT, LocalAws
from slipway.aws import Aws
from slipway.errors import NotRunning, SettingsError
from slipway.project import Project
from slipway.story import Story
from stacks.settings import STAGES, ModelSettings, Settings, StageSettings, load_settings

_F = TypeVar("_F", bound=Callable[..., Any])


def stage_option(function: _F) -> _F:
    """Add --stage."""
    return click.option(
        "--stage",
        type=click.Choice(STAGES),
        default="local",
        show_default=True,
        help="Where: this machine or AWS.",
    )(function)


def json_option(function: _F) -> _F:
    """Add --json."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON value on stdout.")(function)


def set_option(function: _F) -> _F:
    """Add --set."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="[MODEL.]KEY=VALUE",
        help="Override a key of model.toml for this command, e.g. --set serve.instance_count=1.",
    )(function)


def models_argument(function: _F) -> _F:
    """Add MODEL…; none means all."""
    return click.argument("models", nargs=-1)(function)


def context_of(models: tuple[str, ...], stage: str, overrides: tuple[str, ...]) -> dict[str, str]:
    """Return the CDK context that says the same as the options.

    Raises:
        SettingsError: an override is not KEY=VALUE.
    """
    context = {"stage": stage}
    if models:
        context["models"] = ",".join(models)
    for override in overrides:
        key, equals, value = override.partition("=")
        dots = key.count(".")
        if equals and "model.hyperparameters." in key:
            table, _, name = key.rpartition(".")
            raise SettingsError(
                f"--set {override} names one hyperparameter.",
                why="An override sets them all.",
                fix=f"Write all of them: --set '{table}={{{name} = {value}, ...}}'",
            )
        if not equals or dots not in (1, 2) or (dots == 1 and not models):
            raise SettingsError(
                f"--set {override} is not understood.",
                why="It is [MODEL.]SECTION.KEY=VALUE; without a model's name, name the models as arguments.",
                fix="Write it as --set serve.instance_count=1, or --set iris.serve.instance_count=1.",
            )
        for name in models if dots == 1 else ("",):
            context[f"{name}.{key}".lstrip(".")] = value
    return context


def settings_of(
    project: Project, models: tuple[str, ...], stage: str, overrides: tuple[str, ...] = ()
) -> Settings:
    """Return the settings that the options ask for."""
    return load_settings(project.root, context_of(models, stage, overrides))


def aws_of(project: Project, stage: StageSettings, *, start: bool = False, port: int = DEFAULT_PORT) -> Aws:
    """Return the AWS of a stage; the embedded one is started where `start` says so.

    Raises:
        NotRunning: the stage is local and nothing runs.
    """
    if stage.name != "local":
        return Aws.account(stage)
    local = LocalAws(project.root)
    server = local.start(port, progress=Story().say) if start else local.server()
    if server is None:
        raise NotRunning("The embedded AWS is not running.", fix="Run: slipway deploy")
    return Aws.local(stage, server)


def model_of(project: Project, name: str, stage: str) -> ModelSettings:
    """Return one model's settings."""
    return settings_of(project, (name,), stage).models[0]
