"""What a deploy tells of an environment: where it is, who can reach it, how to ask it, what it costs."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from slipway.aws import Aws
from slipway.curl_line import curl_line
from slipway.environment_prices import told
from slipway.project import Project
from slipway.story import Story
from stacks.settings import ModelSettings, StageSettings
from training.artifact import load_artifact


def tell_environment(project: Project, aws: Aws, model: ModelSettings, story: Story) -> None:
    """Tell a deployed environment's address, a line for the shell that asks it, and what it costs."""
    outputs = aws.outputs(model.name)
    row = load_artifact(project.root, model.name, model.serve.version).manifest["golden"]["rows"][0]
    url, line = outputs["EnvironmentUrl"], line_for(outputs, str(aws.session.region_name), row)
    # A container of a person's own has what they gave it.
    page = "" if (model.folder / "Dockerfile").is_file() else " (in a browser: a page to try it)"
    story.say(f"\n{model.name} answers at {url}{page}; ask it:\n{line}")
    for text in (*reach(model, aws.stage, outputs), *told(model, aws.stage)):
        story.say(text)


def line_for(outputs: Mapping[str, str], region: str, row: Sequence[Any]) -> str:
    """Return a line for the shell that asks an environment, before its domain has a DNS record too."""
    asked = {"ApiUrl": outputs["EnvironmentUrl"], "ApiAuth": "none"}
    line = curl_line(asked, region, row, classifies=False, local=False)
    if domain := outputs.get("DomainName"):
        place = shlex.quote(f"{domain}:443:{outputs['EnvironmentCname']}:443")
        line = line.replace("curl ", f"curl --connect-to {place} ", 1)
    return line


def reach(model: ModelSettings, stage: StageSettings, outputs: Mapping[str, str]) -> list[str]:
    """Return who can reach an environment and who can read along, and what to set against it.

    Args:
        model: its settings.
        stage: on this machine nobody but its people can.
        outputs: the stack's.
    """
    if stage.name == "local":
        return []
    told = []
    if domain := outputs.get("DomainName"):
        told.append(
            f"make a DNS record: {domain} CNAME {outputs['EnvironmentCname']}; a swap leaves it as it is"
        )
    who = "everybody in its VPC" if model.serve.internal else "everybody"
    if outputs["EnvironmentUrl"].startswith("https:"):
        told.append(f"it is open to {who} over TLS: a load balancer asks for no key")
    else:
        told.append(
            f"IT IS PLAIN HTTP AND OPEN TO {who.upper()}: whoever is on the way can read and change rows and "
            "answers, and nobody is asked for a key"
        )
        balanced = (
            "" if stage.load_balanced else f"load_balanced = true in [{stage.name}] of stages.toml, and "
        )
        told.append(
            f"for TLS set {balanced}certificate_arn and domain_name in [serve] of "
            f"model_code/{model.name}/model.toml"
        )
    if not model.serve.internal and stage.load_balanced:
        told.append("to let in its VPC alone, set internal = true with vpc_id and its subnets there")
    return told
