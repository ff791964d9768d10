"""Training jobs when their server goes away: nothing of them stays."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localaws.control import ACCOUNT, REGION, LocalAws, Server
from localaws.liveness import alive
from tests.local.conftest import free_port
from tests.local.training_toy import Trainer


def clients(server: Server) -> Any:
    session = boto3.session.Session(ACCOUNT, "local", region_name=REGION)
    config = Config(proxies={}, retries={"total_max_attempts": 1})
    return lambda service: session.client(service, endpoint_url=server.url, config=config)


def running_job(local: LocalAws) -> list[int]:
    """Start a job on two hosts and return its processes once it trains."""
    trainer = Trainer(clients(local.start(free_port())))
    trainer.start("endless", "deaf", hosts=2)
    for host in ("algo-1", "algo-2"):
        trainer.until_printed("endless", f"training on {host}")
    inventory = local.inventory()
    assert len(inventory.files) == 2
    pids = [process.pid for process in inventory.processes if "train.py" in process.command]
    assert len(pids) >= 4  # two hosts: the toolkit and the script
    return pids


def gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(alive(pid) for pid in pids)


def test_a_stop_of_the_server_ends_all_hosts_of_a_job_and_removes_their_files(own_root: Path) -> None:
    local = LocalAws(own_root)
    pids = running_job(local)
    began = time.monotonic()
    local.stop()

    assert time.monotonic() - began < 15
    assert gone(pids)
    assert not local.state.fleets.exists()


def test_a_killed_server_takes_its_jobs_along(own_root: Path) -> None:
    local = LocalAws(own_root)
    pids = running_job(local)
    server = local.server()
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)

    assert gone(pids)
    local.stop()
    assert not local.state.fleets.exists()


@pytest.mark.parametrize("moment", ["starting", "uploading"])
def test_a_stop_amid_anything_leaves_nothing(own_root: Path, moment: str) -> None:
    local = LocalAws(own_root)
    trainer = Trainer(clients(local.start(free_port())))
    trainer.start("short", hosts=3)
    if moment == "uploading":
        trainer.until("short", lambda job: job["SecondaryStatus"] in ("Uploading", "Completed"))
    local.stop()

    assert not local.state.fleets.exists()
