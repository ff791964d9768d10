"""Deployments of an environment's instances: each policy, good and failing, under requests."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from localaws.beanstalk.balancer.balancer import Balancer
from localaws.beanstalk.fleet.fleet import Fleet
from localaws.beanstalk.running import FleetError
from tests.local.beanstalk_fleet import IMAGE, LOGS, Parts

POLICIES = ("AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable")


@pytest.fixture(scope="module")
def balancer() -> Iterator[Balancer]:
    running = Balancer()
    yield running
    running.stop()


@pytest.fixture
def parts(tmp_path: Path, balancer: Balancer) -> Parts:
    made = Parts(tmp_path, balancer)
    made.bundle("v1")
    made.bundle("v2")
    return made


@contextmanager
def requests(port: int, least: int) -> Iterator[Counter[tuple[int, str]]]:
    """Ask a port all the while, at least so often, and count the answers: status and text."""
    answers: Counter[tuple[int, str]] = Counter()
    done, lock = threading.Event(), threading.Lock()

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not done.is_set() or answers.total() < least:
            connection.request("GET", "/")
            answer = connection.getresponse()
            with lock:
                answers[answer.status, answer.read().decode()] += 1
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        try:
            yield answers
        finally:
            done.set()
            for one in asking:
                one.result()


def ids(fleet: Fleet) -> set[str]:
    return {instance.instance_id for instance in fleet.health().instances}


@pytest.mark.parametrize("policy", POLICIES)
def test_no_request_fails_while_a_deployment_fails_and_the_next_one_succeeds(
    parts: Parts, policy: str
) -> None:
    with parts.fleet() as fleet:
        fleet.deploy(parts.deployment("v1"))
        before = ids(fleet)
        port = parts.balancer.listen()
        parts.balancer.route(port, fleet.target_group)

        with requests(port, 500) as answers, pytest.raises(FleetError) as failure:
            fleet.deploy(parts.deployment("v2", policy=policy, mode="exit"))
        assert set(answers) == {(200, "v1")}
        assert answers.total() >= 500
        assert "exited with code 1" in failure.value.reason
        assert failure.value.lines[-1] == "the model cannot be loaded"
        assert ids(fleet) == before
        assert fleet.health().status == "Ok"
        assert ("ERROR", "Instance deployment failed. For details, see 'eb-engine.log'.") in parts.said

        with requests(port, 500) as answers:
            fleet.deploy(parts.deployment("v2", policy=policy))
            of_old = answers[200, "v1"]
        parts.balancer.close(port)
        assert answers.total() >= 500
        assert set(answers) == {(200, "v1"), (200, "v2")}
        assert answers[200, "v1"] == of_old, "the old version answers nothing afterwards"
        health = fleet.health()
        assert (health.color, health.status) == ("Green", "Ok")
        assert [entry.version_label for entry in health.instances] == ["v2", "v2"]
        kept = {"AllAtOnce": 2, "Rolling": 2, "RollingWithAdditionalBatch": 1, "Immutable": 0}[policy]
        assert len(before & ids(fleet)) == kept


def test_batches_that_went_well_keep_the_new_version_where_a_later_one_fails(parts: Parts) -> None:
    with parts.fleet() as fleet:
        fleet.deploy(parts.deployment("v1"))

        def refuse_the_second(severity: str, message: str) -> None:
            parts.said.append((severity, message))
            if message.startswith("Batch 2: Starting"):
                parts.objects.refused = "not any more"

        fleet.say = refuse_the_second
        with pytest.raises(FleetError, match="not any more"):
            fleet.deploy(parts.deployment("v2", policy="Rolling"))
        health = fleet.health()
        assert sorted(entry.version_label for entry in health.instances) == ["v1", "v2"]
        assert (health.color, health.status) == ("Red", "Degraded")
        assert health.causes == (
            "Incorrect application version found on 1 out of 2 instances. "
            'Expected version "v1" (deployment 1).',
        )
        parts.objects.refused = ""
        fleet.deploy(parts.deployment("v1"))
        assert fleet.health().status == "Ok"


def test_an_instance_that_never_becomes_healthy_fails_the_deployment_in_time(parts: Parts) -> None:
    with parts.fleet() as fleet:
        began = time.monotonic()
        with pytest.raises(FleetError, match="/ping answered 503 within"):
            fleet.deploy(parts.deployment("v1", mode="unhealthy", command_timeout_s=5))
        assert time.monotonic() - began < 5
        assert fleet.health().instances == ()
        assert not list(parts.fleets.iterdir())


def test_another_number_of_instances_needs_no_deployment(parts: Parts) -> None:
    with parts.fleet() as fleet:
        fleet.deploy(parts.deployment("v1", instances=1))
        first = ids(fleet)
        fleet.resize(2)
        assert len(ids(fleet)) == 2
        assert first < ids(fleet)
        fleet.resize(1)
        assert len(ids(fleet)) == 1
        assert fleet.health().status == "Ok"


def test_an_aborted_deployment_fails_and_what_ran_goes_on(parts: Parts) -> None:
    with parts.fleet() as fleet:
        fleet.deploy(parts.deployment("v1"))
        before = ids(fleet)
        threading.Timer(0.5, fleet.abort).start()
        with pytest.raises(FleetError):
            fleet.deploy(parts.deployment("v2", policy="Immutable", mode="unhealthy"))
        assert ids(fleet) == before
        assert fleet.health().status == "Ok"


def test_the_role_and_the_reason_are_named_where_something_cannot_be_fetched(parts: Parts) -> None:
    denied = "User: machines is not authorized to perform: "
    with parts.fleet() as fleet:
        parts.images.are_real()
        with pytest.raises(FleetError, match=r"Failed to pull docker image: models has no 1"):
            fleet.deploy(parts.deployment("v1"))
        parts.registry.refused = denied + "ecr:BatchGetImage"
        with pytest.raises(FleetError, match=r"Failed to pull docker image: .* ecr:BatchGetImage"):
            fleet.deploy(parts.deployment("v1"))
        assert any("Output: Failed to pull docker image" in message for _, message in parts.said)
        parts.objects.refused = denied + "s3:GetObject"
        with pytest.raises(FleetError, match=r"source bundle s3://bundles/v1 as .*machines: .*s3:GetObject"):
            fleet.deploy(parts.deployment("v1"))
        parts.roles.refused = "machines does not trust ec2.amazonaws.com"
        with pytest.raises(FleetError, match=r"cannot be assumed by ec2.amazonaws.com"):
            fleet.deploy(parts.deployment("v1"))
        assert not list(parts.fleets.iterdir())


def test_without_an_engine_an_image_of_somebody_else_is_refused(parts: Parts) -> None:
    parts.images.are_real()
    parts.bundle("dockerfile", {"Dockerfile": "FROM scratch"})
    run = '{"AWSEBDockerrunVersion": "1", "Image": {"Name": "%s"}, "Ports": [{"ContainerPort": 80}]}'
    parts.bundle("public", {"Dockerrun.aws.json": run % "nginx:latest"})
    parts.bundle("foreign", {"Dockerrun.aws.json": run % IMAGE.replace("000000000000", "111111111111")})
    with parts.fleet() as fleet:
        for name, reason in {
            "dockerfile": "Dockerfile cannot be built: no container engine answers",
            "public": "nginx:latest cannot run: no container engine answers",
            "foreign": "is of another account",
        }.items():
            with pytest.raises(FleetError, match=reason):
                fleet.deploy(parts.deployment(name))


def test_instances_log_to_groups_that_the_service_makes_and_removes(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-person")
    with parts.fleet() as fleet:
        told = {"log_group_prefix": LOGS, "log_retention_days": 7, "delete_logs_on_terminate": True}
        fleet.deploy(parts.deployment("v1", instances=1, **told))
        assert parts.images.asked == [IMAGE]
        output = f"{LOGS}/var/log/eb-docker/containers/eb-current-app/stdouterr.log"
        engine = f"{LOGS}/var/log/eb-engine.log"
        assert parts.groups.days == {output: 7, engine: 7}
        (stream,) = ids(fleet)
        environment = environment_of(fleet)
        assert environment["AWS_ACCESS_KEY_ID"] == "key"
        assert "AWS_PROFILE" not in environment
        fleet.terminate()
        assert (output, stream, "model-1  | loading v1") in parts.sink.lines
        assert any(line[:2] == (engine, stream) and "[INFO]" in line[2] for line in parts.sink.lines)
        assert not parts.groups.days
        with pytest.raises(FleetError, match="being terminated"):
            fleet.deploy(parts.deployment("v2"))


def environment_of(fleet: Fleet) -> dict[str, str]:
    """Return the environment of the one instance's process, as the system knows it."""
    pid = fleet.processes[0]
    entries = Path(f"/proc/{pid}/environ")
    if not entries.is_file():
        pytest.skip("only Linux shows a process's environment")
    return dict(entry.partition("=")[::2] for entry in os.fsdecode(entries.read_bytes()).split("\0") if entry)
