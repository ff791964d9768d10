"""Finds what runs a service: its image out of ECR, a public one, or one that is built here."""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace

from localaws.beanstalk.fleet import container_form, process_form
from localaws.beanstalk.fleet.host import Host
from localaws.beanstalk.fleet.process_form import BuiltDefinition
from localaws.beanstalk.fleet.service import BadServiceError, Build, Service
from localaws.errors import ImageError
from localaws.images.container_image import ContainerImage
from localaws.images.docker import format_options
from localaws.images.engine import Engine, remember, repository
from localaws.images.prebuilt import Launch, Place
from localaws.images.registry_client import ImageUri, RefusedError
from localaws.ports import Credentials

_OWN_SERVER = ["python", "-m", "serving.server"]
_FETCH_S = 600


def launch(
    host: Host, service: Service, place: Place, variables: Mapping[str, str], role_arn: str,
    session: Callable[[], Credentials],
) -> Launch:  # fmt: skip
    """Return the command that runs a service. Raises BadServiceError, ApiError and LocalAwsError."""
    if service.build is not None:
        return _built(host, service, service.build, place, variables)
    image = service.image or ""
    runner = host.images.find(image, role_arn, session)
    if runner is None:
        if ImageUri.parse(image):
            raise BadServiceError(f"the image {image} is of another account, which the embedded AWS has not")
        return _public(host, service, image, place, variables)
    if not isinstance(runner, ContainerImage):
        return process_form.launch(runner, service, place, host.envs, variables)
    engine = runner.loaded.require_engine(image)
    try:
        client = runner.client()
        with client.blob(runner.repository, runner.manifest.config) as blob:
            entrypoint = (json.loads(blob.read()).get("config") or {}).get("Entrypoint")
        name = runner.loaded.acquire(client, runner.repository, runner.manifest)
    except RefusedError as error:
        raise ImageError(f"the image {image} cannot be fetched", why=str(error)) from error
    own = entrypoint == _OWN_SERVER and service.entrypoint is None
    return container_form.launch(
        engine, host.loaded.owner, name, service, place, variables,
        own_server=own, release=lambda: runner.loaded.release(name),
    )  # fmt: skip


def _built(host: Host, service: Service, build: Build, place: Place, variables: Mapping[str, str]) -> Launch:
    dockerfile = build.context / build.dockerfile
    if not dockerfile.is_file():
        raise BadServiceError(f"there is no {build.dockerfile} in the build context")
    engine = host.loaded.find_engine()
    if engine is None:
        return process_form.launch(BuiltDefinition.of(build), service, place, host.envs, variables)
    remember(engine, host.loaded.state)
    name = f"{repository(host.loaded.owner)}:{place.folder.name}"
    options = [option for key, value in build.args.items() for option in ("--build-arg", f"{key}={value}")]
    options += ["--target", build.target] if build.target else []
    options += [*format_options(engine), "--platform", "linux/amd64"]
    _engine(engine, "build", "--tag", name, "--file", str(dockerfile), *options, str(build.context))
    if service.port is None:
        service = replace(service, port=80)
    return container_form.launch(
        engine, host.loaded.owner, name, service, place, variables,
        own_server=_is_own_server(engine, name) and service.entrypoint is None,
        release=lambda: _remove(engine, name),
    )  # fmt: skip


def _public(host: Host, service: Service, image: str, place: Place, variables: Mapping[str, str]) -> Launch:
    """Run an image of another registry; one that the engine had before stays in it."""
    engine = host.loaded.require_engine(image)
    had = engine.run("image", "inspect", image, check=False).returncode == 0
    if not had:
        _engine(engine, "pull", image)
    name = f"{repository(host.loaded.owner)}:{place.folder.name}"
    remember(engine, host.loaded.state)
    _engine(engine, "tag", image, name)

    def release() -> None:
        _remove(engine, name)
        if not had:
            _remove(engine, image)

    return container_form.launch(
        engine, host.loaded.owner, name, service, place, variables,
        own_server=_is_own_server(engine, name) and service.entrypoint is None, release=release,
    )  # fmt: skip


def _is_own_server(engine: Engine, name: str) -> bool:
    shown = engine.run("image", "inspect", "--format", "{{json .Config.Entrypoint}}", name, check=False)
    return shown.returncode == 0 and json.loads(shown.stdout or "null") == _OWN_SERVER


def _remove(engine: Engine, name: str) -> None:
    engine.run("rmi", name, check=False)


def _engine(engine: Engine, *arguments: str) -> None:
    try:
        done = engine.run(*arguments, timeout_s=_FETCH_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise ImageError(f"{engine.name} {arguments[0]} took over {_FETCH_S} s") from error
    if done.returncode:
        lines = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise ImageError(f"{engine.name} {arguments[0]} failed", why=lines)
