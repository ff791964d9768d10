"""Step Functions' integrations with SageMaker, and the copying of objects, as AWS runs them.

ministack has none for SageMaker, and those it has do not ask IAM. Here a task calls this very server over
HTTP with a session of the state machine's role, so that its rights decide. `.sync` waits for the job, fails
with it, and stops it where the execution is stopped. Source: "Run a Job (.sync)" and "Integrate SageMaker AI
with Step Functions" in the Step Functions developer guide.
"""

import json
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError
from ministack.services import stepfunctions

from localaws.clients import Loopback
from localaws.ministack_plugin.scope import current
from localaws.ports import AccessDeniedError, RoleSessions

_SAGEMAKER = "arn:aws:states:::sagemaker:"
_SDK = "arn:aws:states:::aws-sdk:"
_RESOURCES = (_SAGEMAKER, f"{_SDK}sagemaker:", f"{_SDK}s3:copyObject")
_POLL_S = 0.2
_PRINCIPAL = "states.amazonaws.com"
# Errors that the SDK behind the integrations has a class for; all others share one.
_MODELED = ("ResourceInUse", "ResourceLimitExceeded", "ResourceNotFound", "ConflictException")
_running: ContextVar[dict[str, Any]] = ContextVar("execution")


@dataclass(frozen=True)
class _Job:
    """What `.sync` needs to know of an operation: `kind` is in the names of its operations and members."""

    kind: str

    def describe(self, client: Any, name: str) -> dict[str, Any]:
        found = getattr(client, xform_name(f"Describe{self.kind}"))(**{f"{self.kind}Name": name})
        return dict(found)

    def stop(self, client: Any, name: str) -> None:
        getattr(client, xform_name(f"Stop{self.kind}"))(**{f"{self.kind}Name": name})


_JOBS = {"createTrainingJob": _Job("TrainingJob"), "createTransformJob": _Job("TransformJob")}


def apply(roles: RoleSessions, loopback: Loopback) -> None:
    """Put the integrations into the engine."""
    execute_task, fail_execution = stepfunctions._execute_task, stepfunctions._fail_execution

    def remembering(state_def: Any, raw_input: Any, execution: dict[str, Any], ctx: Any) -> Any:
        token = _running.set(execution)
        try:
            return execute_task(state_def, raw_input, execution, ctx)
        finally:
            _running.reset(token)

    def fail(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":  # a stopped one stays stopped, whatever its task comes to
            fail_execution(execution, error, cause)

    def run(resource: str, arguments: Mapping[str, Any]) -> Any:
        return _run(roles, loopback, resource, arguments)

    stepfunctions._execute_task = remembering
    stepfunctions._fail_execution = fail
    stepfunctions._SERVICE_DISPATCH.update(dict.fromkeys(_RESOURCES, run))


def _run(roles: RoleSessions, loopback: Loopback, resource: str, arguments: Mapping[str, Any]) -> Any:
    """Run a task's call, and where the resource asks for it wait for the job. Raises what fails the task."""
    execution = _running.get()
    *_, service, action = resource.split(":")
    action, _, pattern = action.partition(".")
    client = _client(roles, loopback, service, execution)
    if not hasattr(client, xform_name(action)):
        raise _failed("States.Runtime", f"{service} has no operation {action}")
    optimized = resource.startswith(_SAGEMAKER)
    try:
        answer = getattr(client, xform_name(action))(**arguments)
        if pattern != "sync":
            return _plain(answer, milliseconds=optimized)
        job = _JOBS[action]
        return _wait(job, client, arguments[f"{job.kind}Name"], execution)
    except ParamValidationError as error:
        raise _failed(
            "States.Runtime", f"The Parameters could not be used to start the Task: {error}"
        ) from error
    except ClientError as error:
        raise _failed(*_as_told(error, optimized=optimized, service=service)) from error


def _client(roles: RoleSessions, loopback: Loopback, service: str, execution: Mapping[str, Any]) -> Any:
    arn = execution["stateMachineArn"]
    role_arn = stepfunctions._state_machines[arn]["roleArn"]
    try:
        credentials = roles.assume(role_arn, service=_PRINCIPAL, source_arn=arn, scope=current())
    except AccessDeniedError as error:
        raise _failed("States.Runtime", f"Step Functions cannot take the role {role_arn}: {error}") from error
    return loopback.client(service, credentials, current().region)


def _wait(job: _Job, client: Any, name: str, execution: Mapping[str, Any]) -> Any:
    while True:
        found = _plain(job.describe(client, name), milliseconds=True)
        status = found[f"{job.kind}Status"]
        if status == "Completed":
            return found
        if status in ("Failed", "Stopped"):
            raise _failed("States.TaskFailed", json.dumps(found))
        if execution["status"] != "RUNNING":
            job.stop(client, name)
            raise _failed("States.TaskFailed", "The execution was stopped.")
        time.sleep(_POLL_S)


def _as_told(error: ClientError, *, optimized: bool, service: str) -> tuple[str, str]:
    """Return the error and cause of a refused call, in the words of the SDK that AWS uses there."""
    code, text = error.response["Error"]["Code"], error.response["Error"]["Message"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    prefix = "SageMaker" if service == "sagemaker" else "S3"
    common = f"Amazon{prefix}Exception" if optimized else f"{prefix}Exception"
    kind = f"{code.removesuffix('Exception')}Exception" if code in _MODELED else common
    if optimized:
        cause = f"{text} (Service: Amazon{prefix}; Status Code: {status}; Error Code: {code})"
    else:
        cause = f"{text} (Service: {prefix}, Status Code: {status})"
    return f"{prefix}.{kind}", cause


def _plain(value: Any, *, milliseconds: bool) -> Any:
    """Return an answer as JSON has it, without what is about the HTTP call."""
    if isinstance(value, Mapping):
        return {
            key: _plain(item, milliseconds=milliseconds)
            for key, item in value.items()
            if key != "ResponseMetadata"
        }
    if isinstance(value, list):
        return [_plain(item, milliseconds=milliseconds) for item in value]
    if isinstance(value, datetime):
        if milliseconds:
            return int(value.timestamp() * 1000)
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _failed(error: str, cause: str) -> Exception:
    failure: Exception = stepfunctions._ExecutionError(error, cause)
    return failure
