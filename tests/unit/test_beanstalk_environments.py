"""What an environment asks of its instances, on an account and instances that only take notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from localaws.beanstalk.errors import ApiError
from tests.unit.beanstalk_world import ASG, CERTIFICATE, COMMAND, World


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
