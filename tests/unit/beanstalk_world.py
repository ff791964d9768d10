"""A region of Elastic Beanstalk on an account and instances that only take notes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from localaws.beanstalk.environment import Environment
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
