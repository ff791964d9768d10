"""slipway import: an artifact from a model trained elsewhere."""

from __future__ import annotations

from pathlib import Path

import click

from slipway.commands.train import show
from slipway.options import json_option, set_option, settings_of
from slipway.project import Project
from slipway.story import Story


@click.command("import")
@click.argument("model")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--trust", is_flag=True, help="Load a pickle (.joblib, .pkl), in a process of its own.")
@set_option
@json_option
def command(model: str, path: Path, trust: bool, overrides: tuple[str, ...], as_json: bool) -> None:
    """Package a model trained elsewhere: an ONNX or skops file, or with --trust a pickle.

    The model folder's data and label say what the model takes and gives; it is measured on the test rows of
    [split], and has to pass the gate.

    \b
    slipway import digits 1-logistic.onnx
    slipway import digits 2-forest.skops
    """
    from training.import_model import import_model
    from training.target_build import build_for_target

    project, story = Project.here(), Story()
    settings = settings_of(project, (model,), "local", overrides).models[0]
    with story.step(f"import {path.name} into {model}"):
        artifact = import_model(project.root, settings, path, trust=trust, progress=story.event)
        build_for_target(project.root, settings, artifact, progress=story.event)
    show([artifact], as_json=as_json)
    story.next(f"slipway deploy {model}")
