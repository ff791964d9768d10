"""The lines that Lambda itself writes about an invocation, as text or as JSON.

Source: "Log formats" and "Lambda JSON log format" in the Lambda developer guide, and lines of real logs.
"""

import json
import math
from datetime import UTC, datetime
from typing import Any

from localaws.lambda_functions.function import Function


class Reports:
    """Words the events of one version of a function."""

    def __init__(self, function: Function) -> None:
        self._version = function.version
        self._memory_mb = function.memory_mb
        self._json = function.logging.form == "JSON"

    def start(self, request_id: str) -> str:
        """An event is handed to the function."""
        if self._json:
            return _event("start", {"requestId": request_id, "version": self._version})
        return f"START RequestId: {request_id} Version: {self._version}"

    def init(self, init_ms: float, error_type: str) -> str:
        """The environment did not come up."""
        if self._json:
            metrics = {"durationMs": round(init_ms, 3)}
            told = {"phase": "init", "status": "error", "errorType": error_type, "metrics": metrics}
            return _event("initReport", told)
        return (
            f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: error\t"
            f"Error Type: {error_type}"
        )

    def failure(self, request_id: str, error_type: str, text: str) -> tuple[str, ...]:
        """The function did not answer; its own errors it has written itself."""
        if self._json:
            return ()
        if error_type == "Sandbox.Timedout":
            return (f"{_now()} {request_id} {text}",)
        return (f"RequestId: {request_id} Error: {text}", error_type)

    def end(
        self,
        request_id: str,
        *,
        duration_ms: float,
        init_ms: float | None,
        used_mb: float,
        error_type: str = "",
    ) -> tuple[str, ...]:
        """The event is over. Billed is the duration in whole ms, with the start where there was one."""
        billed = math.ceil(duration_ms + (init_ms or 0))
        used = min(math.ceil(used_mb), self._memory_mb)
        status = "timeout" if error_type == "Sandbox.Timedout" else "error"
        if self._json:
            metrics: dict[str, Any] = {
                "durationMs": round(duration_ms, 3),
                "billedDurationMs": billed,
                "memorySizeMB": self._memory_mb,
                "maxMemoryUsedMB": used,
            }
            if init_ms is not None:
                metrics["initDurationMs"] = round(init_ms, 3)
            told = {"requestId": request_id, "metrics": metrics, "status": "success"}
            if error_type:
                told |= {"status": status, "errorType": error_type}
            return (_event("report", told),)
        report = (
            f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {billed} ms\t"
            f"Memory Size: {self._memory_mb} MB\tMax Memory Used: {used} MB\t"
        )
        if init_ms is not None:
            report += f"Init Duration: {init_ms:.2f} ms\t"
        if error_type and error_type != "Unhandled":  # what a handler raises is the function's own affair
            report += f"Status: {status}" + (f"\tError Type: {error_type}" if status == "error" else "")
        return (f"END RequestId: {request_id}", report)


def _event(kind: str, record: dict[str, Any]) -> str:
    return json.dumps({"time": _now(), "type": f"platform.{kind}", "record": record})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
