"""One embedded AWS for all local tests, and clients for it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from localaws.control import ACCOUNT, REGION, LocalAws
from tests.local.toy import Toy

if TYPE_CHECKING:
    from tests.local.beanstalk_toy import BeanstalkToy

ROOT = Path(__file__).parents[2]
Boto = Callable[..., Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def state_root(folder: Path) -> Path:
    """A project folder with its own state, and the repository's environments, which take long to build."""
    (ROOT / ".slipway" / "envs").mkdir(parents=True, exist_ok=True)
    (folder / ".slipway").mkdir(parents=True)
    (folder / ".slipway" / "envs").symlink_to(ROOT / ".slipway" / "envs")
    return folder


@pytest.fixture
def own_root(tmp_path: Path) -> Path:
    """A project folder for a test that starts and ends a server of its own."""
    return state_root(tmp_path)


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running embedded AWS with a state of its own."""
    local = LocalAws(state_root(tmp_path_factory.mktemp("aws")))
    local.start(free_port())
    yield local
    local.stop()


@pytest.fixture(scope="session")
def boto(local_aws: LocalAws) -> Boto:
    """Makes boto3 clients: the root user's, or those of the credentials given as keywords."""
    server = local_aws.server()
    assert server is not None

    def client(service: str, **credentials: str) -> Any:
        keys = credentials or {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "local"}
        return boto3.session.Session(**keys, region_name=REGION).client(
            service,
            endpoint_url=server.url,
            config=Config(
                proxies={}, retries={"total_max_attempts": 1}, read_timeout=90, max_pool_connections=32
            ),
        )

    return client


@pytest.fixture(scope="session")
def toy(boto: Boto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    """A bucket with toy model archives, a role, and ways to deploy them."""
    toy = Toy(boto, tmp_path_factory.mktemp("toy"))
    yield toy
    toy.remove()


@pytest.fixture(scope="session")
def beanstalk_toy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BeanstalkToy]:
    """A toy application on an embedded AWS of its own, without a container engine."""
    from tests.local.beanstalk_toy import running

    with running(tmp_path_factory.mktemp("beanstalk")) as toy:
        yield toy
