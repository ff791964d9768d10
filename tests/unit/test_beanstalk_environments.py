"""What an environment asks of its instances, on an account and instances that only take notes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from localaws.beanstalk.environment import Environment
from localaws.beanstalk.errors import ApiError
from localaws.beanstalk.parts import Parts
from localaws.beanstalk.region import Region
from localaws.beanstalk.running import Deployment, FleetError, Health, InstanceHealth, Say
from localaws.beanstalk.versions import MOST_BYTES
from localaws.ports import AccessDeniedError, Credentials, Metric, NotFoundError, Scope

SCOPE = Scope("000000000000", "us-east-1")
ASG, COMMAND = "aws:autoscaling:asg", "aws:elasticbeanstalk:command"
CERTIFICATE = f"arn:aws:acm:us-east-1:{SCOPE.account}:certificate/1"


@dataclass
class NotedFleet:
    """Takes every deployment but that of version "broken"."""

    say: Say
    target_group: str = "group"
    on_change: Callable[[], None] = field(default=lambda: None)
    deployments: list[Deployment] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def deploy(self, deployment: Deployment) -> None:
        if deployment.version_label == "broken":
            raise FleetError("It did not start.")
        self.deployments.append(deployment)

    def resize(self, instances: int) -> None:
        self.sizes.append(instances)

    def abort(self) -> None: ...

    def restart(self) -> None: ...

    def health(self) -> Health:
        one = InstanceHealth("i-1", "one", "Green", "Ok")
        return Health("Green", "Ok", (), (one,) if self.deployments else ())

    def logs(self) -> Mapping[str, str]:
        return {}

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class NotedAccount:
    """An account with every bundle that is not too large, and with one certificate."""

    def __init__(self) -> None:
        self.sizes = {"one.zip": 10, "exact.zip": MOST_BYTES, "large.zip": MOST_BYTES + 1}
        self.copies: list[tuple[tuple[str, str], tuple[str, str]]] = []

    def bundle_size(self, scope: Scope, bucket: str, key: str) -> int:
        if key == "secret.zip":
            raise AccessDeniedError(key)
        if key not in self.sizes:
            raise NotFoundError(key)
        return self.sizes[key]

    def has_bucket(self, scope: Scope, bucket: str) -> bool:
        return True

    def make_bucket(self, scope: Scope, bucket: str) -> None: ...

    def copy(self, scope: Scope, source: tuple[str, str], target: tuple[str, str]) -> None:
        self.copies.append((source, target))

    def put(self, scope: Scope, bucket: str, key: str, body: bytes) -> None: ...

    def link(self, scope: Scope, bucket: str, key: str) -> str:
        return ""

    def delete(self, scope: Scope, bucket: str, key: str) -> None: ...

    def role_of_profile(self, scope: Scope, profile: str) -> str | None:
        return f"arn:aws:iam::{scope.account}:role/{profile}"

    def role_arn(self, scope: Scope, name: str) -> str | None:
        return f"arn:aws:iam::{scope.account}:role/{name}"

    def has_certificate(self, scope: Scope, arn: str) -> bool:
        return arn == CERTIFICATE


class Roles:
    """Every role but "foreign" trusts everybody."""

    def assume(self, role_arn: str, *, service: str, source_arn: str, scope: Scope) -> Credentials:
        if role_arn.endswith("/foreign"):
            raise AccessDeniedError(f"{role_arn} does not trust {service}")
        return Credentials("", "", "", 0.0)


class Routes:
    """Gives ports, and routes nothing."""

    def __init__(self) -> None:
        self._ports = itertools.count(1000)

    def listen(self) -> int:
        return next(self._ports)

    def route(self, port: int, group: str) -> None: ...

    def swap(self, port: int, other: int) -> None: ...

    def close(self, port: int) -> None: ...

    def stop(self) -> None: ...


class Metrics:
    """Keeps none."""

    def record(self, namespace: str, metrics: list[Metric], scope: Scope) -> None: ...

    def evaluate_alarms(self, scope: Scope) -> None: ...


class World:
    """One region with an application "app" that has versions "one" and "broken"."""

    def __init__(self) -> None:
        self.account, self.fleets = NotedAccount(), list[NotedFleet]()
        self.region = Region(Parts(self.account, Roles(), self._fleet, Routes(), Metrics()), SCOPE)  # type: ignore[arg-type]
        self.region.call("CreateApplication", {"ApplicationName": "app"})
        for label in ("one", "two", "broken"):
            self.version(label, "one.zip")

    def _fleet(self, _scope: Scope, _name: str, _id: str, say: Say) -> NotedFleet:
        self.fleets.append(NotedFleet(say))
        return self.fleets[-1]

    def version(self, label: str, key: str) -> None:
        bundle = {"S3Bucket": "bundles", "S3Key": key}
        request = {"ApplicationName": "app", "VersionLabel": label, "SourceBundle": bundle}
        self.region.call("CreateApplicationVersion", request)

    def launch(self, *options: tuple[str, str, str], label: str = "one") -> Environment:
        platform = self.region.call("ListPlatformVersions", {})["PlatformSummaryList"][0]["PlatformArn"]
        profile = ("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "machine")
        request = {
            "ApplicationName": "app", "EnvironmentName": "app-env", "VersionLabel": label,
            "PlatformArn": platform, "OptionSettings": settings(profile, *options),
        }  # fmt: skip
        environment = self.region.environments.create(request)
        environment.wait(5)
        return environment

    def update(self, *options: tuple[str, str, str], **request: str) -> Environment:
        found = self.region.environments.items["app-env"]
        self.region.call(
            "UpdateEnvironment",
            {"EnvironmentName": found.name, "OptionSettings": settings(*options), **request},
        )
        found.wait(5)
        return found

    def events(self) -> list[str]:
        return [event["Message"] for event in self.region.call("DescribeEvents", {})["Events"]]


def settings(*options: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"Namespace": space, "OptionName": name, "Value": value} for space, name, value in options]


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("options", "instances", "batch"),
    [
        ([], 1, 1),
        ([(ASG, "MinSize", "3"), (COMMAND, "BatchSize", "30")], 3, 1),
        ([(ASG, "MinSize", "3"), (COMMAND, "BatchSize", "34")], 3, 2),
        ([(ASG, "MinSize", "2"), (COMMAND, "BatchSizeType", "Fixed"), (COMMAND, "BatchSize", "9")], 2, 2),
        ([(ASG, "MinSize", "9"), (ASG, "MaxSize", "9")], 4, 4),
        ([("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance"),
          (ASG, "MinSize", "3")], 1, 1),
    ],
)  # fmt: skip
def test_options_decide_how_many_instances_there_are_and_how_many_change_at_a_time(
    world: World, options: list[tuple[str, str, str]], instances: int, batch: int
) -> None:
    world.launch(*options)

    [deployment] = world.fleets[0].deployments
    assert (deployment.instances, deployment.batch) == (instances, batch)
    capped = "The embedded AWS starts 4 instances instead of 9." in world.events()
    assert capped == (instances == 4)


def test_an_instance_is_told_where_its_copy_of_the_bundle_lies_and_what_to_do_with_its_log(
    world: World,
) -> None:
    logs = "aws:elasticbeanstalk:cloudwatch:logs"
    environment = world.launch(
        (logs, "StreamLogs", "true"), (logs, "RetentionInDays", "30"),
        ("aws:elasticbeanstalk:application", "Application Healthcheck URL", "/ping"),
        ("aws:elasticbeanstalk:application:environment", "COLOUR", "red"),
    )  # fmt: skip

    [deployment] = world.fleets[0].deployments
    key = f"resources/environments/{environment.id}/_runtime/_versions/app/one"
    assert (deployment.bucket, deployment.key) == ("elasticbeanstalk-us-east-1-000000000000", key)
    assert world.account.copies == [(("bundles", "one.zip"), (deployment.bucket, key))]
    assert (deployment.log_group_prefix, deployment.log_retention_days) == (
        "/aws/elasticbeanstalk/app-env", 30,
    )  # fmt: skip
    assert (deployment.health_path, deployment.properties) == ("/ping", {"COLOUR": "red"})
    assert deployment.role_arn.endswith(":role/machine")


def test_another_size_alone_deploys_nothing_and_other_settings_do_nothing_to_instances(
    world: World,
) -> None:
    world.launch()

    world.update((ASG, "MinSize", "2"))
    world.update(("aws:elasticbeanstalk:managedactions", "ManagedActionsEnabled", "false"))

    assert (world.fleets[0].sizes, len(world.fleets[0].deployments)) == ([2], 1)
    world.update(VersionLabel="two")
    assert [found.version_label for found in world.fleets[0].deployments] == ["one", "two"]


def test_options_of_an_update_that_failed_are_taken_back(world: World) -> None:
    world.launch()

    found = world.update((ASG, "MinSize", "2"), VersionLabel="broken")

    assert (found.current.version.label, found.current.options.instances) == ("one", 1)
    assert "The environment was reverted to the previous configuration setting." in world.events()


def test_a_listener_with_a_certificate_is_served_without_one_and_says_so(world: World) -> None:
    environment = world.launch(("aws:elbv2:listener:443", "SSLCertificateArns", CERTIFICATE))

    assert environment.status == "Ready"
    assert any("serves port 443 over HTTP at 127.0.0.1:" in event for event in world.events())


def test_a_service_role_that_trusts_somebody_else_fails_the_launch(world: World) -> None:
    environment = world.launch(("aws:elasticbeanstalk:environment", "ServiceRole", "foreign"))

    assert environment.status == "Terminated"
    assert any("cannot assume the service role" in event for event in world.events())


def test_immutable_updates_go_with_immutable_deployments_alone(world: World) -> None:
    rolling = "aws:autoscaling:updatepolicy:rollingupdate"
    kind = (rolling, "RollingUpdateType", "Immutable")

    with pytest.raises(ApiError, match="you must set both the DeploymentPolicy option"):
        world.launch(kind)
    assert world.launch(kind, (COMMAND, "DeploymentPolicy", "Immutable")).status == "Ready"


@pytest.mark.parametrize(
    ("key", "words"),
    [("large.zip", "524288001 bytes"), ("secret.zip", "Forbidden"), ("none.zip", "Not Found")],
)
def test_a_bundle_that_is_too_large_or_cannot_be_read_makes_no_version(
    world: World, key: str, words: str
) -> None:
    with pytest.raises(ApiError, match=words):
        world.version("new", key)
    world.version("new", "exact.zip")


def test_a_version_that_an_environment_runs_stays(world: World) -> None:
    world.launch()
    one = {"ApplicationName": "app", "VersionLabel": "one"}

    with pytest.raises(ApiError, match="deployed to a running environment: app-env"):
        world.region.call("DeleteApplicationVersion", one)
    world.update(VersionLabel="two")
    world.region.call("DeleteApplicationVersion", one)

    with pytest.raises(ApiError, match="has a running environment"):
        world.region.call("DeleteApplication", {"ApplicationName": "app"})
    world.region.call("DeleteApplication", {"ApplicationName": "app", "TerminateEnvByForce": True})
    assert list(world.region.inventory()) == []


def test_nothing_here_needs_the_emulator() -> None:
    """The service is kept free of it, so that it could stand on another one."""
    folder = Path(__file__).parents[2] / "localaws" / "beanstalk"

    assert [path.name for path in folder.rglob("*.py") if "ministack" in path.read_text()] == []
