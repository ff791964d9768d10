"""What every test gets: fake credentials, and no socket past this machine."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

SUITES = ("unit", "property", "synth", "local", "contract", "fault", "browser", "container")
_CREDENTIALS = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")


def pytest_configure(config: pytest.Config) -> None:
    # jsii runs on the Node of this environment, as app.py has it.
    os.environ.setdefault("JSII_NODE", str(Path(sys.executable).parent / "jsii-node"))
    for suite in SUITES:
        config.addinivalue_line("markers", f"{suite}: the tests of tests/{suite}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        suite = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        if suite in SUITES:
            item.add_marker(suite)


class ByDeployment(LoadFileScheduling):
    """A file goes to one worker, and so does a folder whose tests share what takes long to deploy."""

    def _split_scope(self, nodeid: str) -> str:
        folder = re.match(r"tests/local/stacks/\w+/", nodeid)
        return folder[0] if folder else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByDeployment:
    return ByDeployment(config, log)


@pytest.fixture(scope="session", autouse=True)
def no_real_credentials() -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in _CREDENTIALS:
            patch.delenv(name, raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", "000000000000")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> None:
    """Fail any connection past this machine, in the test process."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guard(address: object) -> None:
        host = address[0] if isinstance(address, tuple) else None
        if host is None or host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return
        raise AssertionError(f"a test tried to reach {host}; tests stay on this machine")

    def guarded_connect(self: socket.socket, address: object) -> None:
        guard(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: object) -> int:
        guard(address)
        return connect_ex(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        yield
