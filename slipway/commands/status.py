"""slipway status: what runs where."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.errors import NotDeployed
from slipway.options import json_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story


@click.command("status")
@stage_option
@json_option
def command(stage: str, as_json: bool) -> None:
    """Tell what is deployed: each model's stack, endpoint and version.

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
    models = [_model(aws, model.name) for model in settings.models]
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

    table = Table("model", "stack", "endpoint", "version", "why")
    for model in models:
        table.add_row(
            *(str(model[key] or "-") for key in ("model", "stack", "endpoint", "version", "reason"))
        )
    console = Console(file=sys.stdout)
    console.print(table)
    if stage == "local":
        console.print(
            f"embedded AWS: {server.url}" if server else "embedded AWS: not running", highlight=False
        )
    Story().next("slipway deploy" if not any(model["stack"] for model in models) else "slipway outputs")


def _model(aws: Aws | None, name: str) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(("stack", "endpoint", "version", "reason"))
    found["model"] = name
    if aws is None:
        return found
    found["stack"] = aws.stack_status(name)
    try:
        outputs = aws.outputs(name)
        endpoint = aws.client("sagemaker").describe_endpoint(EndpointName=outputs["EndpointName"])
        found["endpoint"], found["version"] = endpoint["EndpointStatus"], outputs["ModelVersion"]
        found["reason"] = endpoint.get("FailureReason")
    except (NotDeployed, KeyError):
        pass
    except (ClientError, BotoCoreError) as error:
        found["reason"] = str(error)
    return found
