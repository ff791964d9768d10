"""slipway report: how good a model is, and why, for people to read."""

from __future__ import annotations

import json
import webbrowser

import click

from slipway.options import json_option, settings_of
from slipway.project import Project
from slipway.story import Story


@click.command("report")
@click.argument("model")
@click.option("--version", default="latest", show_default=True, help="An artifact's version, or previous.")
@click.option("--card", is_flag=True, help="Print the path of the model card instead.")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@json_option
def command(model: str, version: str, card: bool, show: bool, as_json: bool) -> None:
    """Write a model's report (a page that needs no network) and its model card, and print where they are.

    \b
    slipway report iris --open
    slipway report iris --version previous --card
    """
    from training.artifact import load_artifact
    from training.report import gate_words, write_card, write_report

    project, story = Project.here(), Story()
    settings_of(project, (model,), "local")  # a model without a folder has no artifact
    artifact = load_artifact(project.root, model, version)
    report = write_report(project.root, artifact)
    card_path, missing = write_card(project.root, artifact)
    story.say(f"{model} {artifact.version}: {gate_words(artifact.manifest)}")
    if missing:
        story.say(f"the model card lacks {missing} fields: fill in model_code/{model}/card.toml")
    chosen = card_path if card else report
    if as_json:
        result = {
            "model": model,
            "version": artifact.version,
            "metrics": artifact.manifest["metrics"],
            "report": str(report),
            "card": str(card_path),
            "missing": missing,
        }
        print(json.dumps(result))
    else:
        print(chosen)
    if show:
        webbrowser.open(chosen.as_uri())
    story.next(f"slipway deploy {model}" if show else f"slipway report {model} --open")
