"""slipway serve: a model's server on this machine alone."""

from __future__ import annotations

import http.client
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model_code.serving.csv_cells import line_of
from slipway.curl_line import curl_line
from slipway.errors import BadInput, ServerFailed
from slipway.options import set_option, settings_of
from slipway.project import Project
from slipway.story import Story

if TYPE_CHECKING:
    from stacks.settings import ModelSettings
    from training.artifact import Artifact

DEFAULT_PORT = 8080
_START_S = 120.0


@click.command("serve")
@click.argument("model")
@click.option("--port", default=DEFAULT_PORT, show_default=True, help="Port of 127.0.0.1.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option("--container", is_flag=True, help="Run the image itself, with podman or docker.")
@set_option
def command(model: str, port: int, workers: int, container: bool, overrides: tuple[str, ...]) -> None:
    """Serve one model here, without AWS: the same answers as behind its endpoint or its API.

    GET / is a page to try it, where the server is ours. It runs until Ctrl-C. Its log is on stderr.

    \b
    slipway serve digits
    slipway serve digits --container --port 9000
    """
    from localaws.images.prebuilt import Place
    from localaws.sagemaker.archive import make_removable
    from slipway.local_server import prepare, runs_our_server
    from training.artifact import load_artifact

    project, story = Project.here(), Story()
    settings = settings_of(project, (model,), "local", overrides).models[0]
    artifact = load_artifact(project.root, model, settings.serve.resolved_variants()[0].version)
    _require_free(port)
    folder = Path(tempfile.mkdtemp(prefix="slipway-serve-"))
    try:
        place = Place(folder / "place", port, workers)
        launch = prepare(project, settings, artifact, place, story, container=container)
        process = subprocess.Popen(
            launch.arguments, env=dict(launch.environment), cwd=place.base, start_new_session=True
        )
        try:
            _wait_until_ready(process, port)
            address = f"http://127.0.0.1:{port}/"
            story.say(f"{model} {artifact.version} is served on {address}; end it with Ctrl-C")
            if runs_our_server(settings):
                story.say(f"try it in a browser: {address}")
            story.next(_curl_line(settings, artifact, address))
            with suppress(KeyboardInterrupt):  # this is how it is meant to end
                process.wait()
            if process.poll() is not None:
                raise ServerFailed(f"The server ended with code {process.returncode}.", why="See its log.")
        finally:
            _end(process)
            if launch.cleanup:
                subprocess.run(launch.cleanup, capture_output=True, check=False)
            launch.release()
    finally:
        make_removable(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _curl_line(settings: ModelSettings, artifact: Artifact, address: str) -> str:
    row = artifact.manifest["golden"]["rows"][0]
    if not settings.serve.on_sagemaker:
        classifies = settings.serve.on_lambda and settings.model.task == "classification"
        outputs = {"ApiUrl": address, "ApiAuth": "none"}
        return curl_line(outputs, "", row, classifies=classifies, local=True)
    return f"curl -H 'Content-Type: text/csv' -d {shlex.quote(line_of(row, 'g'))} {address}invocations"


def _require_free(port: int) -> None:
    import socket

    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise BadInput(f"Port {port} is used by another program.", fix=f"Say --port {port + 1}.")


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_S
    said = ""
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerFailed(f"The server ended with code {process.returncode}.", why="Its log is above.")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", "/ping")
            answer = connection.getresponse()
            said = answer.read().decode(errors="replace")
            if answer.status == 200:
                return
            if answer.status == 503 and '"error"' in said:  # final: a model's files never change
                raise ServerFailed("The model is not ready.", why=said, fix="Package it again.")
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise ServerFailed(f"The server is not ready after {_START_S:.0f} s.", why=said)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, patience_s in ((signal.SIGTERM, 30), (signal.SIGKILL, 5)):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
