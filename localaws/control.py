"""Starts, finds and stops the embedded AWS of one project folder. Standard library only."""

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from localaws.environments import SERVER, ensure_environment, find_uv
from localaws.errors import (
    EnvironmentBuildError,
    PortInUseError,
    ServerDidNotStartError,
    ServerNotRunningError,
)
from localaws.images import engine
from localaws.inventory import Inventory
from localaws.liveness import alive, command, end_group
from localaws.locks import exclusive
from localaws.state import HEALTH_PATH, INVENTORY_PATH, TOKEN_HEADER, Run, StateFolder

ACCOUNT = "000000000000"
REGION = "us-east-1"
DEFAULT_PORT = 4566
START_TIMEOUT_S = 30.0
DOCKER = Path(__file__).resolve().parent / "docker.sh"


@dataclass(frozen=True)
class Server:
    """A running embedded AWS. `images` is where images that are built for it are kept."""

    url: str
    port: int
    pid: int
    images: Path = Path()


class LocalAws:
    """One embedded AWS of a project folder. State: `root/.slipway/<name>`; several names run side by side."""

    def __init__(self, root: Path, name: str = "localaws") -> None:
        self.state = StateFolder(root.resolve(), name)

    def start(self, port: int = DEFAULT_PORT, *, progress: Callable[[str], None] = lambda _: None) -> Server:
        """Return the running server, starting one on `port` where none runs.

        Raises PortInUseError, EnvironmentBuildError, ServerDidNotStartError.
        """
        with exclusive(self.state.folder / "start.lock"):
            if running := self.server():
                return running
            self._remove_remains()
            environment = ensure_environment(SERVER, self.state.envs, progress=progress)
            _require_free(port)
            progress(f"starting the embedded AWS on 127.0.0.1:{port}")
            return self._launch(environment, port)

    def stop(self) -> None:
        """End the server and all it started, and remove its folders. Nothing running is fine."""
        run = self.state.read_run()
        if run and _runs_for(run.pid, self.state):
            end_group(run.pid)
        self._remove_remains()

    def server(self) -> Server | None:
        """Return the running server: its process lives and answers with this run's token. Else None."""
        run = self.state.read_run()
        if run is None or not run.pid or not alive(run.pid):
            return None
        health = _get(run, HEALTH_PATH, timeout_s=2)
        if health is None or health.get("pid") != run.pid:
            return None
        return Server(f"http://127.0.0.1:{run.port}", run.port, run.pid, self.state.images)

    def inventory(self) -> Inventory:
        """Return everything that exists now. Raises ServerNotRunningError."""
        run = self.state.read_run()
        found = _get(run, INVENTORY_PATH, timeout_s=30) if run else None
        if found is None:
            raise ServerNotRunningError
        return Inventory.from_json(found)

    def left_in_engine(self) -> list[str]:
        """Return what containers and images of this embedded AWS a container engine still holds."""
        return engine.left_behind(self.state.folder)

    def _launch(self, environment: Path, port: int) -> Server:
        self.state.tmp.mkdir(parents=True, exist_ok=True)
        self.state.fleets.mkdir(exist_ok=True)
        run = Run(port, secrets.token_hex(16))
        self.state.write_run(run)
        with self.state.log.open("wb") as log:
            process = subprocess.Popen(
                [environment / "bin" / "python", "-m", "localaws", *_arguments(self.state)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.state.folder,
                env=_server_environment(self.state), start_new_session=True,
            )  # fmt: skip
        run = Run(port, run.token, process.pid)
        self.state.write_run(run)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if _get(run, HEALTH_PATH, timeout_s=1):
                return Server(f"http://127.0.0.1:{port}", port, process.pid, self.state.images)
            if process.poll() is not None:
                raise _did_not_start(f"it ended with exit code {process.returncode}", self.state.log)
            time.sleep(0.02)
        end_group(process.pid)
        raise _did_not_start(f"no answer within {START_TIMEOUT_S:.0f} s", self.state.log)

    def _remove_remains(self) -> None:
        self.state.run_file.unlink(missing_ok=True)
        engine.forget(self.state.folder)
        for folder in (self.state.tmp, self.state.fleets):
            _make_writable(folder)
            shutil.rmtree(folder, ignore_errors=True)


def client_variables(server: Server) -> dict[str, str]:
    """Return what to set, in an environment without other AWS variables, to reach only this server."""
    return {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": ACCOUNT,  # a twelve-digit key is the root user of that account
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": REGION,
        "CDK_DOCKER": str(DOCKER),
        "SLIPWAY_IMAGES": str(server.images),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def client_environment(server: Server, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a whole environment, for `subprocess.run(env=…)`, in which every AWS client talks to this
    server alone.

    It is `base` (default: this process's environment) with every AWS_* variable taken out, because an empty
    AWS_PROFILE is an unknown profile to boto3 and an AWS_ENDPOINT_URL_S3 beats AWS_ENDPOINT_URL.
    """
    inherited = os.environ if base is None else base
    kept = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
    return {**kept, **client_variables(server)}


def _server_environment(state: StateFolder) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    with suppress(EnvironmentBuildError):
        kept["UV"] = find_uv()  # for image environments that are not built yet
    return {
        **kept,
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(state.tmp),
    }


def _get(run: Run, path: str, timeout_s: float) -> dict[str, object] | None:
    connection = http.client.HTTPConnection("127.0.0.1", run.port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={TOKEN_HEADER: run.token})
        response = connection.getresponse()
        body = json.loads(response.read()) if response.status == 200 else None
        return body if isinstance(body, dict) else None
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUseError(port) from error


def _did_not_start(cause: str, log: Path) -> ServerDidNotStartError:
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    return ServerDidNotStartError(
        "the embedded AWS did not start", why=f"{cause}\n{tail}", fix=f"read {log}, then start it again"
    )


def _arguments(state: StateFolder) -> list[str]:
    return ["--root", str(state.root), "--name", state.name]


def _runs_for(pid: int, state: StateFolder) -> bool:
    """Whether `pid` is a server of this folder: a number in a file may have come to name another process."""
    return bool(pid) and alive(pid) and " ".join(_arguments(state)) in command(pid)


def _make_writable(folder: Path) -> None:
    """Model folders are read-only, and a read-only folder keeps its files from being removed."""
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
