"""SageMaker's jobs, as followed: the SDK asks, and CloudWatch Logs has the lines."""

from __future__ import annotations

from typing import Any

from training.told_metrics import as_metric

from .follow import State
from .logs import TRAINING_GROUP, TRANSFORM_GROUP, JobLogs
from .place import Place


class FollowedTraining:
    """A training job.

    Args:
        resource: a TrainingJob of the SDK.
        place: where it runs.
    """

    def __init__(self, resource: Any, place: Place) -> None:
        self.resource, self.name = resource, str(resource.training_job_name)
        self._logs = JobLogs(place.client("logs"), TRAINING_GROUP, self.name)

    def state(self) -> State:
        """Ask how it is."""
        self.resource.refresh()
        return state_of_training(self.resource)

    def new_lines(self) -> list[str]:
        """Return the lines that it logged since the last call."""
        return self._logs.new_lines()


class FollowedTransform:
    """A transform job.

    Args:
        resource: a TransformJob of the SDK.
        place: where it runs.
    """

    def __init__(self, resource: Any, place: Place) -> None:
        self.resource, self.name = resource, str(resource.transform_job_name)
        self._logs = JobLogs(place.client("logs"), TRANSFORM_GROUP, self.name)

    def state(self) -> State:
        """Ask how it is."""
        self.resource.refresh()
        status = str(self.resource.transform_job_status)
        return State(status, (status,), reason=told(self.resource.failure_reason))

    def new_lines(self) -> list[str]:
        """Return the lines that it logged since the last call."""
        return self._logs.new_lines()


def state_of_training(resource: Any) -> State:
    """Return what a TrainingJob of the SDK says of itself."""
    transitions = listed(resource.secondary_status_transitions)
    return State(
        status=str(resource.training_job_status),
        steps=tuple(f"{item.status}: {told(item.status_message)}".rstrip(": ") for item in transitions),
        metrics=final_metrics(resource),
        reason=told(resource.failure_reason),
    )


def final_metrics(resource: Any) -> dict[str, float]:
    """Return the latest value of each of a training job's metrics, with the digits that SageMaker keeps."""
    found = listed(resource.final_metric_data_list)
    return {str(item.metric_name): as_metric(float(item.value)) for item in found}


def told(value: Any) -> str:
    """Return a text of the SDK's; it has an object of its own for what AWS left out."""
    return value if isinstance(value, str) else ""


def listed(value: Any) -> list[Any]:
    """Return a list of the SDK's, empty where AWS left it out."""
    return value if isinstance(value, list) else []
