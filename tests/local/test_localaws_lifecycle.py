"""Starting, finding and ending the embedded AWS, however it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from localaws.control import LocalAws, Server, client_environment, client_variables
from localaws.environments import SERVER, ensure_environment
from localaws.errors import PortInUseError, ServerDidNotStartError, ServerNotRunningError
from tests.local.conftest import ROOT, free_port
from tests.local.toy import Toy


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(state.stdout.strip()) and not state.stdout.strip().startswith("Z")


def wait_until(condition: object, timeout_s: float = 5) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.05)


def serving(root: Path, tmp: Path) -> tuple[LocalAws, Server, list[int]]:
    """A server of its own with one endpoint, and the processes of that endpoint."""
    local = LocalAws(root)
    server = local.start(free_port())
    variables = client_variables(server)

    def boto(service: str) -> object:
        return boto3.session.Session(
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_REGION"],
        ).client(service, endpoint_url=server.url)

    Toy(boto, tmp).endpoint("mortal", "good")
    return local, server, [process.pid for process in local.inventory().processes]


def test_a_second_start_returns_the_running_server(local_aws: LocalAws) -> None:
    assert local_aws.start(free_port()) == local_aws.server()


def test_a_port_in_use_is_named_with_a_way_out(own_root: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        with pytest.raises(PortInUseError) as error:
            LocalAws(own_root).start(port)

    assert error.value.code == "E-PORT-IN-USE"
    assert str(port) in error.value.what
    assert str(port + 1) in error.value.fix


def test_a_server_that_ends_at_once_shows_the_end_of_its_log(tmp_path: Path, local_aws: LocalAws) -> None:
    name = ensure_environment(SERVER, local_aws.state.envs).name
    python = tmp_path / ".slipway" / "envs" / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho the reason it ends\nexit 3\n")
    python.chmod(0o755)

    with pytest.raises(ServerDidNotStartError) as error:
        LocalAws(tmp_path).start(free_port())

    assert "exit code 3" in error.value.why
    assert "the reason it ends" in error.value.why
    assert LocalAws(tmp_path).server() is None


def test_stop_ends_every_process_and_removes_every_file_within_three_seconds(
    own_root: Path, tmp_path: Path
) -> None:
    local, server, processes = serving(own_root, tmp_path)
    assert processes

    started = time.monotonic()
    local.stop()
    taken = time.monotonic() - started

    assert not any(alive(pid) for pid in (server.pid, *processes))
    assert taken < 3
    assert {path.name for path in local.state.folder.iterdir()} <= {"server.log", "start.lock"}
    local.stop()
    with pytest.raises(ServerNotRunningError):
        local.inventory()


def test_sigterm_alone_leaves_no_process_and_no_file(own_root: Path, tmp_path: Path) -> None:
    local, server, processes = serving(own_root, tmp_path)

    os.kill(server.pid, signal.SIGTERM)
    wait_until(lambda: not any(alive(pid) for pid in (server.pid, *processes)), 3)

    assert not any(alive(pid) for pid in (server.pid, *processes))
    assert {path.name for path in local.state.folder.iterdir()} <= {"server.log", "start.lock"}


def test_kill_9_of_the_server_ends_the_model_servers_too(own_root: Path, tmp_path: Path) -> None:
    local, server, processes = serving(own_root, tmp_path)

    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in processes))

    assert not any(alive(pid) for pid in processes)
    assert local.server() is None
    restarted = local.start(free_port())
    assert restarted.pid != server.pid
    assert local.inventory().empty
    local.stop()


def test_a_recycled_process_number_is_never_killed(own_root: Path) -> None:
    local = LocalAws(own_root)
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    from localaws.state import Run

    local.state.write_run(Run(port=1, token="t", pid=bystander.pid))
    local.stop()

    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_clients_ignore_whatever_credentials_the_machine_has(local_aws: LocalAws, tmp_path: Path) -> None:
    server = local_aws.server()
    assert server is not None
    real = {
        **os.environ, "AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "real", "AWS_CA_BUNDLE": "/nowhere",
        "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com", "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "HTTPS_PROXY": "http://192.0.2.1:1", "HTTP_PROXY": "http://192.0.2.1:1",
    }  # fmt: skip
    code = (
        "import boto3\n"
        "print(boto3.client('s3').meta.endpoint_url, boto3.client('sts').get_caller_identity()['Arn'])"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code],
        env=client_environment(server, real),
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.split() == [server.url, "arn:aws:iam::000000000000:root"]


def test_a_missing_hook_fails_with_its_name_and_the_pinned_version(local_aws: LocalAws) -> None:
    python = ensure_environment(SERVER, local_aws.state.envs) / "bin" / "python"
    code = (
        "from localaws.ministack_plugin import hooks\n"
        "hooks.check()\n"
        "hooks._HOOKS['ministack.app']['gone'] = ()\n"
        "hooks.check()"
    )

    answer = subprocess.run([python, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert "HookMissingError: this plug-in needs ministack 1.5.33" in answer.stderr
    assert "ministack.app.gone: missing" in answer.stderr
