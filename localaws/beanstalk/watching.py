"""Looks at every environment's health, for the events and the metric that tell of it."""

import threading
from typing import TYPE_CHECKING

from localaws.beanstalk.environment import Environment
from localaws.beanstalk.running import Health
from localaws.ports import Metric, MetricSink

if TYPE_CHECKING:
    from localaws.beanstalk.service import Beanstalk

_INTERVAL_S = 2.0
# What the metric EnvironmentHealth says of each status, from the Developer Guide.
_VALUES = {"Ok": 0, "Info": 1, "Unknown": 5, "No Data": 10, "Warning": 15, "Degraded": 20, "Severe": 25}


def start(service: "Beanstalk", metrics: MetricSink, ending: threading.Event) -> None:
    """Look every two seconds on a thread of its own, until `ending` is set."""
    threading.Thread(target=_run, args=(service, metrics, ending), name="health", daemon=True).start()


def _run(service: "Beanstalk", metrics: MetricSink, ending: threading.Event) -> None:
    while not ending.wait(_INTERVAL_S):
        for environment in service.environments:
            if health := environment.watch():
                _record(metrics, environment, health)


def _record(metrics: MetricSink, environment: Environment, health: Health) -> None:
    value = float(_VALUES.get(health.status, _VALUES["Unknown"]))
    dimensions = (("EnvironmentName", environment.name),)
    metrics.record(
        "AWS/ElasticBeanstalk", [Metric("EnvironmentHealth", value, "None", dimensions)], environment.scope
    )
    metrics.evaluate_alarms(environment.scope)
