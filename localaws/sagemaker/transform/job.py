"""One transform job: its record, which stays, and the thread that does it."""

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localaws.ports import AccessDeniedError, Scope
from localaws.sagemaker.errors import validation_error
from localaws.sagemaker.fleet import Host
from localaws.sagemaker.models import Model
from localaws.sagemaker.roles import PRINCIPAL
from localaws.sagemaker.transform.failures import ALGORITHM, CLIENT, FileError, JobError, StoppedError
from localaws.sagemaker.transform.files import InputFile
from localaws.sagemaker.transform.instance import Instance, cores
from localaws.sagemaker.transform.request import DEFAULTS, TransformRequest

_RUNNING = ("InProgress", "Stopping")


class TransformJob:
    """A job from its creation on. `described` is what DescribeTransformJob gives back of its request."""

    def __init__(
        self,
        host: Host,
        scope: Scope,
        arn: str,
        model: Model,
        request: TransformRequest,
        described: Mapping[str, Any],
    ) -> None:
        self.name = request.name
        self.arn = arn
        self.status = "InProgress"
        self._host = host
        self._scope = scope
        self._model = model
        self._request = request
        self._described = described
        self._reason = ""
        self._created = self._modified = time.time()
        self._begun: float | None = None
        self._ended: float | None = None
        self._instances: list[Instance] = []
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"transform-{self.name}", daemon=True)

    @property
    def running(self) -> bool:
        """Whether it has processes, or will have."""
        return self.status in _RUNNING

    @property
    def ports(self) -> list[int]:
        """Where its model servers listen."""
        return [instance.port for instance in self._instances]

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def describe(self) -> dict[str, Any]:
        """Return the DescribeTransformJob answer."""
        merged = dict(self._described)
        for member, defaults in DEFAULTS.items():
            merged[member] = {**defaults, **merged.get(member, {})}
        times = {"TransformStartTime": self._begun, "TransformEndTime": self._ended}
        reached = {name: moment for name, moment in times.items() if moment is not None}
        return {**merged, **self._summary(), **reached}

    def summary(self) -> dict[str, Any]:
        """Return this job's entry of a ListTransformJobs answer."""
        ended = {"TransformEndTime": self._ended} if self._ended is not None else {}
        return {**self._summary(), **ended, "LastModifiedTime": self._modified}

    def stop(self) -> None:
        """Tell it to stop; outputs that are whole stay. Raises the ValidationException once it has ended."""
        with self._lock:
            if not self.running:
                raise validation_error(
                    f"The request was rejected because the transform job is in status {self.status}."
                )
            self._become("Stopping")
        self._stopping.set()
        for instance in self._instances:
            instance.interrupt()

    def kill(self) -> None:
        """End its processes at once."""
        self._stopping.set()
        self._end_instances(grace_s=1.0)

    def _summary(self) -> dict[str, Any]:
        reason = {"FailureReason": self._reason} if self._reason else {}
        return {
            "TransformJobName": self.name,
            "TransformJobArn": self.arn,
            "TransformJobStatus": self.status,
            "CreationTime": self._created,
            **reason,
        }

    def _run(self) -> None:
        status, reason = "Completed", ""
        try:
            self._transform()
        except StoppedError:
            status = "Stopped"
        except JobError as error:
            status, reason = "Failed", str(error)
        except Exception as error:  # whatever it is, a job ends
            status = "Failed"
            reason = f"InternalServerError: We encountered an internal error. Please try again. ({error!r})"
        finally:
            self._end_instances()
        with self._lock:
            if self._stopping.is_set():
                status, reason = "Stopped", ""
            self._instances = []
            self._reason = reason[:1024]
            self._ended = time.time()
            self._become(status)

    def _transform(self) -> None:
        request, host, role = self._request, self._host, self._model.role_arn
        try:
            session = host.ports.roles.assume(role, service=PRINCIPAL, source_arn=self.arn, scope=self._scope)
        except AccessDeniedError as error:
            raise JobError(f"{CLIENT}: Could not assume role {role}: {error}") from error
        count = min(request.instances, cores())
        new = [
            Instance(host, self._scope, self._model, request, session, cores() // count) for _ in range(count)
        ]
        with self._lock:
            if self._stopping.is_set():
                raise StoppedError
            self._instances = new
        with ThreadPoolExecutor(count) as pool:
            for started in [pool.submit(instance.start) for instance in new]:
                started.result()
            files = request.inputs.find(host.ports.objects, session, role, new[0].folder)
            self._begun = time.time()
            waiting, failures = iter(files), list[FileError]()
            for done in [pool.submit(each.run, lambda: self._next(waiting), failures.append) for each in new]:
                done.result()
        if failures:
            side = ALGORITHM if any(error.side == ALGORITHM for error in failures) else CLIENT
            raise JobError(f"{side}: See job logs for more information")

    def _next(self, waiting: Any) -> InputFile | None:
        if self._stopping.is_set():
            raise StoppedError
        with self._lock:
            taken: InputFile | None = next(waiting, None)
            return taken

    def _end_instances(self, grace_s: float | None = None) -> None:
        for instance in self._instances:
            instance.stop(grace_s)

    def _become(self, status: str) -> None:
        self.status = status
        self._modified = time.time()
