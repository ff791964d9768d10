"""Where a job is, and where it was: the statuses that DescribeTrainingJob tells."""

import threading
import time
from typing import Any

from localaws.sagemaker.errors import validation_error

_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
_FINAL = {
    "Completed": "Completed", "Failed": "Failed", "Stopped": "Stopped", "MaxRuntimeExceeded": "Stopped",
}  # fmt: skip


class History:
    """The secondary statuses in their order. The job's thread writes it, a StopTrainingJob does too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._transitions: list[dict[str, Any]] = []
        self.enter("Starting")

    @property
    def secondary(self) -> str:
        """The secondary status now."""
        return str(self._transitions[-1]["Status"])

    @property
    def status(self) -> str:
        """InProgress, Stopping, or one of the final ones: Completed, Failed and Stopped."""
        is_stopping = any(entry["Status"] == "Stopping" for entry in self._transitions)
        return _FINAL.get(self.secondary, "Stopping" if is_stopping else "InProgress")

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.secondary in _FINAL

    def enter(self, secondary: str) -> None:
        """Begin the next secondary status."""
        with self._lock:
            self._enter(secondary)

    def stop(self) -> None:
        """Begin to stop. Raises the ValidationException where the job is stopping or has ended."""
        with self._lock:
            if self.status != "InProgress":
                raise validation_error(
                    f"The request was rejected because the training job is in status {self.status}."
                )
            self._enter("Stopping")

    def finish(self) -> None:
        """End without a failure: Completed, or Stopped after a stop."""
        with self._lock:
            self._enter("Stopped" if self.status == "Stopping" else "Completed")

    def describe(self) -> dict[str, Any]:
        """Return DescribeTrainingJob's members for statuses and times, which are seconds since 1970."""
        with self._lock:
            transitions = [dict(entry) for entry in self._transitions]
            status = self.status
        times = {"CreationTime": transitions[0]["StartTime"]}
        times["LastModifiedTime"] = transitions[-1].get("EndTime", transitions[-1]["StartTime"])
        began = next((e["StartTime"] for e in transitions if e["Status"] == "Downloading"), None)
        if began is not None:
            times["TrainingStartTime"] = began
            if status in _FINAL.values():
                times["TrainingEndTime"] = transitions[-1]["StartTime"]
                seconds = round(times["TrainingEndTime"] - began)
                times |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        return {
            "TrainingJobStatus": status,
            "SecondaryStatus": transitions[-1]["Status"],
            "SecondaryStatusTransitions": transitions,
            **times,
        }

    def _enter(self, secondary: str) -> None:
        now = time.time()
        if self._transitions:
            self._transitions[-1]["EndTime"] = now
        entry: dict[str, Any] = {
            "Status": secondary, "StartTime": now, "StatusMessage": _MESSAGES[secondary],
        }  # fmt: skip
        if secondary in _FINAL:
            entry["EndTime"] = now
        self._transitions.append(entry)
