"""One model's server on this machine alone: the process or the container that an endpoint would run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from localaws.environments import SKLEARN_1_9_0, ensure_environment
from localaws.images.definition import Definition
from localaws.images.engine import Engine, find_engine
from localaws.images.prebuilt import Launch, Place, PrebuiltImage
from localaws.sagemaker.archive import unpack
from slipway.errors import SettingsError, ToolMissing
from slipway.project import Project
from slipway.story import Story
from stacks.image_build import build_of
from stacks.settings import ModelSettings
from training.artifact import Artifact

_MODEL = "/opt/ml/model"
_SCRIPT_MODE = {
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": f"{_MODEL}/code",
    "SAGEMAKER_REGION": "us-east-1",
}


def prepare(
    project: Project, model: ModelSettings, artifact: Artifact, place: Place, story: Story, *, container: bool
) -> Launch:
    """Unpack the model into the place and return the command of its server.

    Args:
        project: whose environments are used.
        model: the model's settings; its image decides which server it is.
        artifact: what is served.
        place: where it runs, and on which port of 127.0.0.1.
        story: is told what takes time.
        container: run the image with docker or podman, not the process that it defines.

    Raises:
        ToolMissing: a container is asked for and no engine answers.
        SettingsError: AWS's own image is asked for as a container.
    """
    (place.folder / "tmp").mkdir(parents=True)
    unpack(artifact.archive, place.base / "model")
    envs = project.root / ".slipway" / "envs"
    if not runs_our_server(model):
        if container:
            raise SettingsError(
                f"{model.name} is served by AWS's scikit-learn image, which is not on this machine.",
                fix='Leave --container out, or set image = "own".',
            )
        with story.step("prepare the server of AWS's scikit-learn image"):
            return PrebuiltImage("sklearn_1_9_0", SKLEARN_1_9_0).prepare(
                place, envs, _SCRIPT_MODE | _common(artifact)
            )
    if container:
        engine = find_engine()
        if engine is None:
            raise ToolMissing(
                "No container engine answers on this machine.",
                fix="Install and start podman or docker, or leave --container out.",
            )
        return _container(model, artifact, place, engine, story)
    build = build_of(model, artifact.engine)
    definition = Definition(model.folder.parent, build.dockerfile, build.arguments, build.target or "")
    definition.check()
    with story.step("prepare the server's environment"):
        environment = ensure_environment(definition.recipe(), envs, progress=story.event)
    variables = {
        **place.process_environment(_common(artifact)),
        "PYTHONPATH": str(model.folder.parent),
        "SLIPWAY_BIND_HOST": "127.0.0.1",
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(place.workers),
        "SM_MODEL_DIR": str(place.base / "model"),
        "SLIPWAY_S3_PREFIXES": ",".join(model.serve.s3_prefixes),
        "OMP_NUM_THREADS": "1",
    }
    return Launch((str(environment / "bin" / "python"), "-m", "serving.server", "serve"), variables)


def runs_our_server(model: ModelSettings) -> bool:
    """Whether a model is served by our own server here: AWS's image is one of endpoints alone."""
    return not model.serve.on_sagemaker or model.serve.image != "sklearn"


def build_image(
    model: ModelSettings, kind: str, engine: Engine, scratch: Path, tag: str, story: Story
) -> None:
    """Build a model's image for its engine, e.g. onnx, as `tag`; `scratch` is a folder that takes a file.

    Raises:
        ToolMissing: it cannot be built.
    """
    build = build_of(model, kind)
    context = model.folder.parent
    options = [f"--build-arg={name}={value}" for name, value in build.arguments.items()]
    options += [f"--target={build.target}"] if build.target else []
    command = [engine.program, "build", "--platform", "linux/amd64", "--tag", tag, *options]
    if engine.name == "podman":
        ignored = scratch / "dockerignore"
        ignored.write_text("\n".join(build.left_out) + "\n")
        command += ["--ignorefile", str(ignored)]
    with story.step(f"build the image of {model.name} with {engine.name}"):
        _run([*command, "--file", str(context / build.dockerfile), str(context)], engine, story)


def _container(
    model: ModelSettings, artifact: Artifact, place: Place, engine: Engine, story: Story
) -> Launch:
    tag = f"localhost/slipway-serve/{model.name}"
    build_image(model, artifact.engine, engine, place.folder, tag, story)
    inside = _common(artifact) | {
        "SM_MODEL_DIR": _MODEL,
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(place.workers),
    }
    run = [engine.program, "run", "--rm", "--name", f"slipway-serve-{model.name}-{place.port}", "--read-only"]
    run += ["--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]  # noqa: S108
    run += ["--mount", f"type=bind,source={place.base / 'model'},target={_MODEL},readonly"]
    if sys.platform == "linux":
        run += ["--network", "host"]
        inside |= {"SAGEMAKER_BIND_TO_PORT": str(place.port), "SLIPWAY_BIND_HOST": "127.0.0.1"}
    else:
        run += ["--publish", f"127.0.0.1:{place.port}:8080"]
    for name, value in inside.items():
        run += ["--env", f"{name}={value}"]
    return Launch((*run, tag, "serve"), dict(engine.environment))


def _common(artifact: Artifact) -> dict[str, str]:
    return {
        "SLIPWAY_MANIFEST_SHA256": artifact.manifest_sha256,
        "SLIPWAY_MODEL_VERSION": artifact.version,
        "SLIPWAY_VARIANT": "champion",
    }


def _run(command: list[str], engine: Engine, story: Story) -> None:
    environment: Mapping[str, str] = dict(engine.environment)
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if process.returncode:
        raise ToolMissing(
            f"{engine.name} cannot build the image.", why="\n".join(process.stderr.splitlines()[-15:])
        )
    story.event(f"built {Path(command[-2]).name}")
