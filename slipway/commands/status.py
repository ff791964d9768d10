"""slipway status: what runs where."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.environments import is_environment, state_of
from slipway.errors import NotDeployed
from slipway.options import json_option, settings_of, stage_option
from slipway.pointers import versions_of
from slipway.project import Project
from slipway.story import Story
from stacks.settings import ModelSettings


@click.command("status")
@stage_option
@json_option
def command(stage: str, as_json: bool) -> None:
    """Tell what is deployed: each model's stack, what answers and how it is, its version and address.

    \b
    slipway status
    slipway status --stage prod --json
    """
    project = Project.here()
    settings = settings_of(project, (), stage)
    server = LocalAws(project.root).server() if stage == "local" else None
    running = stage != "local" or server is not None
    aws = None
    if running:
        aws = Aws.local(settings.stage, server) if server else Aws.account(settings.stage)
    models = [_model(aws, model) for model in settings.models]
    found = {
        "stage": stage,
        "endpoint_url": aws.endpoint_url if aws else None,
        "running": running,
        "models": models,
    }
    if as_json:
        print(json.dumps(found))
        return
    from rich.console import Console
    from rich.table import Table

    shown = ("model", "stack", "target", "endpoint", "version", "reason")
    table = Table(*(name.replace("reason", "why") for name in shown))
    for model in models:
        table.add_row(*(str(model[key] or "-") for key in shown))
    console = Console(file=sys.stdout)
    console.print(table)
    for model in models:
        if model["url"]:
            console.print(f"{model['model']}: {model['url']}", highlight=False, soft_wrap=True)
    if stage == "local":
        console.print(
            f"embedded AWS: {server.url}" if server else "embedded AWS: not running", highlight=False
        )
    Story().next("slipway deploy" if not any(model["stack"] for model in models) else "slipway outputs")


def _model(aws: Aws | None, model: ModelSettings) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(
        ("stack", "target", "endpoint", "version", "function_version", "instances", "url", "reason")
    )
    found["model"] = model.name
    if aws is None:
        return found
    found["stack"] = aws.stack_status(model.name)
    try:
        outputs = aws.outputs(model.name)
        found["version"] = outputs["ModelVersion"]
        found["url"] = outputs.get("ApiUrl") or outputs.get("EnvironmentUrl")
        # What is deployed, whatever model.toml says by now.
        if "FunctionName" in outputs:
            found |= {"target": "lambda", **_function(aws, model.name, outputs)}
        elif is_environment(outputs):
            found |= {"target": "beanstalk", **_environment(aws, outputs)}
        else:
            endpoint = aws.client("sagemaker").describe_endpoint(EndpointName=outputs["EndpointName"])
            found |= {"target": "endpoint", "endpoint": endpoint["EndpointStatus"]}
            found["reason"] = endpoint.get("FailureReason")
    except (NotDeployed, KeyError):
        pass
    except (ClientError, BotoCoreError) as error:
        found["reason"] = str(error)
    return found


def _function(aws: Aws, model: str, outputs: dict[str, str]) -> dict[str, Any]:
    """Return the state of the version that answers, and its model, which a rollback may have changed."""
    about = aws.client("lambda").get_function_configuration(
        FunctionName=outputs["FunctionName"], Qualifier=outputs["AliasName"]
    )
    version = next((held for held in versions_of(aws, model, outputs) if held.current), None)
    return {
        "endpoint": about["State"],
        "version": version.model_version if version else outputs["ModelVersion"],
        "function_version": about["Version"],
        "reason": about.get("StateReason"),
    }


def _environment(aws: Aws, outputs: dict[str, str]) -> dict[str, Any]:
    """Return the state of an environment, and how many machines it has."""
    state = state_of(aws, outputs)
    machines = f"{state.instances} machine{'' if state.instances == 1 else 's'}"
    return {
        "endpoint": f"{state.status}, {state.told or state.health}, {machines}",
        "instances": state.instances,
        "reason": "; ".join(state.causes) or None,
    }
