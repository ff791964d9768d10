"""slipway doctor: is everything here that the next command needs?"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict

import click
from botocore.exceptions import BotoCoreError, ClientError

from localaws.control import DEFAULT_PORT, LocalAws
from localaws.environments import RECIPES, EnvironmentBuilder
from localaws.errors import LocalAwsError
from localaws.images.definition import DOCKERFILE, Definition
from localaws.images.engine import find_engine
from slipway.api_account import commands_to_set_log_role, log_role
from slipway.aws import Aws
from slipway.check import Check
from slipway.deployment import changed_files
from slipway.environment_account import beanstalk_checks
from slipway.errors import SlipwayError
from slipway.options import json_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story
from stacks.images import SKLEARN
from stacks.serve_settings import ServeSection
from stacks.settings import Settings
from training.artifact import load_artifact


@click.command("doctor")
@stage_option
@json_option
def command(stage: str, as_json: bool) -> None:
    """Check tools, environments, settings and artifacts; with --stage dev or prod, the account too.

    \b
    slipway doctor
    slipway doctor --stage dev --json
    """
    project = Project.here()
    checks = list(examine(project, stage))
    if as_json:
        print(json.dumps([asdict(check) for check in checks]))
    else:
        for check in checks:
            print(f"{'ok ' if check.ok else 'BAD'}  {check.name:<22} {check.found}")
            if not check.ok:
                print(f"     {'':<22} {check.fix}")
    if not all(check.ok for check in checks):
        sys.exit(3)
    Story().next("slipway demo" if stage == "local" else f"slipway deploy --stage {stage}")


def examine(project: Project, stage: str) -> Iterator[Check]:
    """Yield every check, the cheap ones first."""
    version = platform.python_version()
    yield Check(
        "Python", sys.version_info >= (3, 11), version, "Install Python 3.11 or newer, then: make setup"
    )
    yield _tool(project, "node", "v24", "The lock file pins Node 24. Run: make setup")
    yield _tool(project, "cdk", "2.1148.1", "package.json pins the CDK CLI. Run: make setup")
    yield from _environments(project)
    yield _containers()
    yield _sdk()
    yield _port(project)
    try:
        settings = settings_of(project, (), stage)
    except SlipwayError as error:
        yield Check("settings", False, error.what, " ".join(part for part in (error.why, error.fix) if part))
        return
    yield Check("settings", True, f"stage {stage}, models {', '.join(m.name for m in settings.models)}")
    yield from _artifacts(project, settings)
    yield from _own_images(project, settings)
    if stage != "local":
        yield from _account(settings)


def _api_logs(aws: Aws) -> Check:
    name = "API Gateway's logs"
    try:
        role = log_role(aws)
    except SlipwayError as error:
        return Check(name, False, error.why, "Ask for apigateway:GET on /account.")
    if role:
        return Check(name, True, role.rpartition("/")[2])
    return Check(name, False, "no role in the account's settings", f"Run:\n{commands_to_set_log_role(aws)}")


def _tool(project: Project, name: str, wanted: str, fix: str) -> Check:
    try:
        shown = subprocess.run(
            [project.tool(name), "--version"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PATH": project.path_variable()},
        ).stdout.strip()
    except (SlipwayError, OSError, subprocess.SubprocessError) as error:
        return Check(name, False, str(error).splitlines()[0], fix)
    return Check(name, shown.startswith(wanted), shown, fix)


def _environments(project: Project) -> Iterator[Check]:
    envs = LocalAws(project.root).state.envs
    for recipe in RECIPES:
        try:
            path = EnvironmentBuilder(envs).path(recipe)
        except LocalAwsError as error:
            yield Check(recipe.name, False, error.what, error.fix)
            continue
        yield Check(
            recipe.name, path.is_dir(), path.name if path.is_dir() else "not built", "Run: make setup"
        )


def _containers() -> Check:
    """Say how images of one's own run here; that none is found is no fault."""
    try:
        engine = find_engine()
    except LocalAwsError as error:
        return Check("containers", False, error.what, error.fix)
    if engine is None:
        return Check("containers", True, "none — the same image definition runs as a process")
    version = ".".join(engine.version.split(".")[:2])
    return Check("containers", True, f"{engine.name} {version} — images are built and run")


def _sdk() -> Check:
    """Say whether jobs can be started from here; that they cannot is no fault."""
    name = "SageMaker SDK"
    try:
        return Check(name, True, importlib.metadata.version("sagemaker-core"))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, True, "none — make setup-sagemaker, to train --on sagemaker and for batch")


def _port(project: Project) -> Check:
    import socket

    server = LocalAws(project.root).server()
    if server:
        return Check("embedded AWS", True, f"running on {server.url}")
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", DEFAULT_PORT)) == 0
    found = f"port {DEFAULT_PORT} is used by another program" if taken else "not running"
    return Check(
        "embedded AWS",
        not taken,
        found,
        f"Say slipway deploy --port {DEFAULT_PORT + 1}, or stop that program.",
    )


def _artifacts(project: Project, settings: Settings) -> Iterator[Check]:
    for model in settings.models:
        name = f"artifact {model.name}"
        try:
            artifact = load_artifact(project.root, model.name, model.serve.version)
        except SlipwayError as error:
            yield Check(name, False, error.what, error.fix)
            continue
        changed = ", ".join(changed_files(model, artifact))
        found = f"{artifact.version}, scikit-learn {artifact.scikit_learn}"
        again = f"Run: slipway train {model.name}"
        if artifact.scikit_learn != SKLEARN.library_version:
            yield Check(name, False, f"{found}; the image has {SKLEARN.library_version}", again)
        else:
            yield Check(name, not changed, found + (f"; {changed} changed since" if changed else ""), again)


def _own_images(project: Project, settings: Settings) -> Iterator[Check]:
    """Say what the images of one's own still need: an engine for AWS, or the packages of a process."""
    models = [model for model in settings.models if _has_image(model.serve)]
    try:
        engine = find_engine()
    except LocalAwsError:
        return  # told already
    if engine is not None or not models:
        return
    if settings.stage.name != "local":
        names = ", ".join(model.name for model in models)
        fix = "Install and start docker or podman: an AWS account takes images alone."
        yield Check("container engine", False, f"none, and {names} needs one", fix)
        return
    builder = EnvironmentBuilder(LocalAws(project.root).state.envs)
    for model in models:
        try:
            artifact = load_artifact(project.root, model.name, model.serve.version)
            context = model.folder.parent
            path = builder.path(Definition(context, DOCKERFILE, {"ENGINE": artifact.engine}).recipe())
        except SlipwayError:
            continue  # told already
        found = path.name if path.is_dir() else f"{path.name} is built at the first deploy"
        yield Check(f"image {model.name}", True, found)


def _has_image(serve: ServeSection) -> bool:
    return serve.image == "own" if serve.on_sagemaker else serve.resolved_package == "image"


def _account(settings: Settings) -> Iterator[Check]:
    try:
        aws = Aws.account(settings.stage)
        identity = aws.client("sts").get_caller_identity()
    except SlipwayError as error:
        yield Check("AWS account", False, error.what, error.fix)
        return
    except (BotoCoreError, ClientError) as error:
        yield Check("AWS credentials", False, str(error), "Log in, e.g. with: aws sso login")
        return
    yield Check("AWS credentials", True, f"account {identity['Account']}")
    region = aws.session.region_name or ""
    yield Check(
        "region",
        region in SKLEARN.accounts,
        region or "none",
        "AWS has no scikit-learn image there; choose another.",
    )
    if any(model.serve.has_api for model in settings.models):
        yield _api_logs(aws)
    if models := [model for model in settings.models if model.serve.on_beanstalk]:
        yield from beanstalk_checks(aws, models)
    try:
        parameter = aws.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")
        yield Check("CDK bootstrap", True, f"version {parameter['Parameter']['Value']}")
    except (BotoCoreError, ClientError):
        fix = f"Run: cdk bootstrap aws://{identity['Account']}/{region}"
        yield Check("CDK bootstrap", False, "this account and region are not bootstrapped", fix)
