"""What an environment tells of its health and its logs."""

import os
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from localaws.beanstalk import names
from localaws.beanstalk.account import Account
from localaws.beanstalk.environments import Environments
from localaws.beanstalk.errors import ApiError, invalid_value
from localaws.beanstalk.listing import page
from localaws.beanstalk.running import Health, InstanceHealth
from localaws.ports import Scope

_COUNTED = ("No Data", "Unknown", "Pending", "Ok", "Info", "Warning", "Degraded", "Severe")


class Reports:
    """Health of environments and instances, and their last log lines."""

    def __init__(self, account: Account, scope: Scope, environments: Environments) -> None:
        self._account = account
        self._scope = scope
        self._environments = environments
        self._info: dict[str, list[dict[str, Any]]] = {}

    def environment_health(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer DescribeEnvironmentHealth with the attributes that are asked for."""
        environment = self._environments.find(request)
        if environment.current.options.get(_SYSTEM, "SystemType") != "enhanced":
            raise ApiError(
                "InvalidRequestException",
                "DescribeEnvironmentHealth is not supported. Enhanced health reporting is not enabled for "
                "this environment.",
            )
        health = environment.health()
        told = {
            "Status": environment.status,
            "Color": health.color,
            "HealthStatus": health.status,
            "Causes": list(health.causes),
            "ApplicationMetrics": {"RequestCount": 0},
            "InstancesHealth": _counts(health),
            "RefreshedAt": time.time(),
        }
        asked = request.get("AttributeNames") or ["Status"]
        shown = told if "All" in asked else {name: value for name, value in told.items() if name in asked}
        return {"EnvironmentName": environment.name, **shown}

    def instances_health(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer DescribeInstancesHealth."""
        environment = self._environments.find(request)
        shown, token = page(environment.health().instances, request, 100)
        return {
            "InstanceHealthList": [_instance(found) for found in shown],
            "RefreshedAt": time.time(),
            "NextToken": token,
        }

    def request_info(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer RequestEnvironmentInfo: put each instance's last lines into S3, to be linked to."""
        environment, kind = self._environments.find(request), _kind(request)
        bucket, now = names.bucket(self._scope), time.time()
        environment.say("INFO", "requestEnvironmentInfo is starting.")
        entries = []
        for instance, text in environment.fleet.logs().items():
            key = (
                f"resources/environments/logs/{kind}/{environment.id}/{instance}/"
                f"TailLogs-{int(now * 1000)}.txt"
            )
            self._account.put(self._scope, bucket, key, text.encode())
            entries.append(
                {
                    "InfoType": kind,
                    "Ec2InstanceId": instance,
                    "SampleTimestamp": now,
                    "Message": self._account.link(self._scope, bucket, key),
                }
            )
        self._info[environment.id] = entries
        environment.say("INFO", "Pulled logs for environment instances.")
        return {}

    def retrieve_info(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer RetrieveEnvironmentInfo: links to what was asked for last."""
        environment = self._environments.find(request)
        _kind(request)
        return {"EnvironmentInfo": self._info.get(environment.id, [])}


_SYSTEM = "aws:elasticbeanstalk:healthreporting:system"


def _kind(request: Mapping[str, Any]) -> str:
    kind = str(names.required(request, "InfoType"))
    if kind != "tail":
        raise invalid_value(
            f"The embedded AWS has InfoType tail: the last 100 lines of each log, not {kind}."
        )
    return kind


def _counts(health: Health) -> dict[str, int]:
    found = Counter(instance.status for instance in health.instances)
    return {status.replace(" ", ""): found[status] for status in _COUNTED}


def _instance(found: InstanceHealth) -> dict[str, Any]:
    return {
        "InstanceId": found.instance_id,
        "HealthStatus": found.status,
        "Color": found.color,
        "Causes": list(found.causes),
        "LaunchedAt": found.launched_at or None,
        "ApplicationMetrics": {"RequestCount": 0},
        "System": {"LoadAverage": list(os.getloadavg())},  # this machine is all of them
        "Deployment": {
            "VersionLabel": found.version_label,
            "DeploymentId": found.deployment_id,
            "Status": found.deployment_status,
            "DeploymentTime": found.deployed_at or None,
        },
        "AvailabilityZone": "",
        "InstanceType": "t3.small",
    }
