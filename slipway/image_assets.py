"""Container images of a cloud assembly: into ECR, as the CDK CLI would put them there."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from slipway.aws import Aws
from slipway.errors import DeployFailed
from slipway.processes import run_told
from slipway.story import Story

_MISSING = ("ImageNotFoundException", "RepositoryNotFoundException")
_OPTIONS = (("dockerBuildTarget", "--target"), ("dockerFile", "--file"), ("networkMode", "--network"),
            ("platform", "--platform"))  # fmt: skip


def publish_images(manifest: Mapping[str, Any], folder: Path, aws: Aws, story: Story) -> None:
    """Build what ECR does not have yet and push it, under the role that the assembly names for it.

    Args:
        manifest: the stack's `*.assets.json`.
        folder: the folder of that file.
        aws: where to.
        story: is told every line of the builds.

    Raises:
        DeployFailed: an image could not be built or pushed.
    """
    for number, image in manifest.get("dockerImages", {}).items():
        for destination in image["destinations"].values():
            role = destination.get("assumeRoleArn")
            _publish(
                number,
                image["source"],
                folder,
                destination,
                aws.assuming(aws.filled(role)) if role else aws,
                story,
            )


def _publish(
    number: str,
    source: Mapping[str, Any],
    folder: Path,
    destination: Mapping[str, str],
    aws: Aws,
    story: Story,
) -> None:
    repository, tag = aws.filled(destination["repositoryName"]), aws.filled(destination["imageTag"])
    ecr = aws.client("ecr")
    if _is_there(ecr, repository, tag):
        return
    docker = _Docker(aws, story, folder / source["directory"])
    local = f"cdkasset-{number.lower()}"
    if not docker.has(local):
        docker.run(["build", "--tag", local, *_options(source), "."])
    try:
        uri = ecr.describe_repositories(repositoryNames=[repository])["repositories"][0]["repositoryUri"]
        data = ecr.get_authorization_token()["authorizationData"][0]
    except ClientError as error:
        raise DeployFailed(f"The image cannot be pushed to {repository}.", why=str(error)) from None
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    docker.login(user, password, str(uri).partition("/")[0])
    docker.run(["tag", local, f"{uri}:{tag}"])
    docker.run(["push", f"{uri}:{tag}"])


def _is_there(ecr: Any, repository: str, tag: str) -> bool:
    try:
        ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return False
        raise DeployFailed(f"{repository} cannot be asked for {tag}.", why=str(error)) from None
    return True


def _options(source: Mapping[str, Any]) -> list[str]:
    found = [part for name, option in _OPTIONS if name in source for part in (option, str(source[name]))]
    for name, value in source.get("dockerBuildArgs", {}).items():
        found += ["--build-arg", f"{name}={value}"]
    return found + [f"--output={output}" for output in source.get("dockerOutputs", ())]


class _Docker:
    """The program that CDK_DOCKER names, in an image's build context."""

    def __init__(self, aws: Aws, story: Story, folder: Path) -> None:
        self._aws = aws
        self._story = story
        self._folder = folder

    def run(self, arguments: Sequence[str]) -> None:
        status, lines = run_told(
            [self._program, *arguments],
            cwd=self._folder,
            environment=self._aws.environment,
            tell=self._story.event,
        )
        if status != 0:
            raise DeployFailed(f"docker {arguments[0]} failed.", why="\n".join(lines[-15:]))

    def has(self, tag: str) -> bool:
        return self._quietly(["inspect", tag], "").returncode == 0

    def login(self, user: str, password: str, host: str) -> None:
        ended = self._quietly(["login", "--username", user, "--password-stdin", host], password)
        if ended.returncode != 0:
            raise DeployFailed(f"docker login to {host} failed.", why=ended.stderr.strip())

    @property
    def _program(self) -> str:
        return self._aws.environment.get("CDK_DOCKER", "docker")

    def _quietly(self, arguments: Sequence[str], given: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program, *arguments], cwd=self._folder, env=dict(self._aws.environment), input=given,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
