"""slipway env: the variables that point any AWS client at the embedded AWS."""

from __future__ import annotations

import os
import shlex

import click

from localaws.control import LocalAws, client_variables
from slipway.errors import NotRunning
from slipway.options import json_option
from slipway.project import Project
from slipway.story import Story

# Variables of a real account that would win over ours, or mix with them.
_FOREIGN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "AWS_ROLE_ARN")


@click.command("env")
@click.option("--unset", is_flag=True, help="Print how to take the variables out of this shell again.")
@json_option
def command(unset: bool, as_json: bool) -> None:
    """Print variables that point boto3, the AWS CLI, the JavaScript SDK and cdk at the embedded AWS.

    \b
    eval "$(slipway env)"                then: aws s3 ls; cdk deploy --all
    eval "$(slipway env --unset)"        back to your own account
    """
    import json

    project = Project.here()
    server = LocalAws(project.root).server()
    if server is None and not unset:
        raise NotRunning("The embedded AWS is not running.", fix="Run: slipway deploy")
    if server is None or unset:
        # The names are the same for every server; no server is needed to take them back.
        print("unset " + " ".join(_names()))
        return
    variables = {**client_variables(server), "PATH": project.path_variable()}
    if as_json:
        print(json.dumps(variables, sort_keys=True))
        return
    services = sorted(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL_"))
    print("unset " + " ".join([*_FOREIGN, *services]))
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    Story().next("cdk diff --all")


def _names() -> list[str]:
    from localaws.control import Server

    names = client_variables(Server("http://127.0.0.1:0", 0, 0))
    return [name for name in names if name.startswith(("AWS_", "CDK_", "SLIPWAY_"))]
