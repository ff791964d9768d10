"""The CDK command line, as it is, in the environment of a stage."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from localaws.control import DOCKER
from slipway.aws import Aws
from slipway.errors import DeployFailed
from slipway.processes import run_told
from slipway.project import Project
from slipway.story import Story
from stacks.settings import stack_name

# Lines of the CLI and of jsii that tell a person nothing.
_NOISE = ("Synthesis time", "cdk notices", "NOTICES", "If you don", "stacktrace", "jsii.errors")


def cdk(
    project: Project,
    aws: Aws,
    arguments: Sequence[str],
    story: Story,
    context: Mapping[str, str] | None = None,
) -> None:
    """Run `cdk` with arguments and tell its events.

    Raises:
        DeployFailed: it ended with another code than 0; the cause is in the message.
    """
    command = [project.tool("cdk"), *arguments, "--no-notices", "--no-color", "-c", f"stage={aws.stage.name}"]
    for key, value in (context or {}).items():
        command += ["-c", f"{key}={value}"]
    environment = {**aws.environment, "PATH": project.path_variable(), "CI": "true", "NO_COLOR": "1"}
    # Ours finds the engine, docker's or podman's, and has it write the one manifest that SageMaker takes.
    environment.setdefault("CDK_DOCKER", str(DOCKER))
    environment["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"
    status, lines = run_told(command, cwd=project.root, environment=environment, tell=story.event)
    if status != 0:
        raise DeployFailed(
            f"cdk {arguments[0]} failed.",
            why="\n".join(_telling(lines)),
            fix="Mend the cause and run the same command again; a stack that failed was rolled back.",
        )


def bootstrap(project: Project, aws: Aws, story: Story) -> None:
    """Bootstrap the embedded AWS where it is not: the bucket and the roles that every CDK deploy uses."""
    if "CDKToolkit" in _stack_names(aws):
        return
    with story.step("bootstrap the embedded AWS (cdk bootstrap)"):
        cdk(project, aws, ["bootstrap", f"aws://{aws.stage.account}/{aws.stage.region}", "--app", ""], story)


def stacks_of(stage: str, models: Sequence[str]) -> list[str]:
    """Return the stacks of some models, the shared one first."""
    return [stack_name(stage), *(stack_name(stage, model) for model in models)]


def _stack_names(aws: Aws) -> set[str]:
    pages = aws.client("cloudformation").get_paginator("describe_stacks").paginate()
    return {stack["StackName"] for page in pages for stack in page["Stacks"]}


def _telling(lines: Sequence[str]) -> list[str]:
    """Return the lines that say why: failed resources and errors, else the last ones."""
    kept = [line for line in lines if line.strip() and not any(noise in line for noise in _NOISE)]
    marks = ("FAILED", "❌", "Error", "error:", "E-")
    telling = [line for line in kept if any(mark in line for mark in marks)]
    # The CLI repeats a reason in its summary; once is enough.
    return list(dict.fromkeys(telling or kept[-15:]))[-25:]


def synthesize(project: Project, aws: Aws, story: Story, context: Mapping[str, str]) -> str:
    """Run the app itself, without the CLI around it, and return the folder with the templates.

    CDK's own validation of templates takes longer than all the rest of a synth; `cdk` commands and the tests
    keep it on, the inner loop on this machine does without.

    Raises:
        DeployFailed: the app ended with an error; its own message is in it.
    """
    import json

    folder = project.root / ".slipway" / "cdk.out"
    own = json.loads((project.root / "cdk.json").read_text(encoding="utf-8"))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "PATH": project.path_variable(),
        "CDK_OUTDIR": str(folder),
        "CDK_VALIDATION": "false",
        "CDK_CONTEXT_JSON": json.dumps({**own.get("context", {}), **context, "stage": aws.stage.name}),
    }
    command = [project.tool("python"), "app.py"]
    status, lines = run_told(command, cwd=project.root, environment=environment, tell=story.event)
    if status != 0:
        raise DeployFailed("synth failed.", why="\n".join(lines[-15:]))
    return str(folder)
