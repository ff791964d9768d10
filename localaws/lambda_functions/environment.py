"""One execution environment: a process, the Runtime API that it asks, and its log stream."""

import json
import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from localaws.errors import LocalAwsError
from localaws.images.prebuilt import Launch
from localaws.lambda_functions.errors import FailedError
from localaws.lambda_functions.function import Function, Invocation, Outcome
from localaws.lambda_functions.host import Host
from localaws.lambda_functions.memory import CHEAP, peaks_mb
from localaws.lambda_functions.reports import Reports
from localaws.lambda_functions.runtime_api import MAX_RESPONSE_BYTES, Answer, RuntimeApi
from localaws.lambda_functions.sandbox import Sandbox
from localaws.lambda_functions.variables import variables
from localaws.sagemaker.logs import LogStream

_ENGINE_S = 0.004  # what a line usually takes from inside a container; a later one comes after END


class Form(Protocol):
    """How a version of a function runs: as a process of its package, or as a container of its image."""

    def launch(self, folder: Path, given: dict[str, str]) -> Launch:
        """Return the command of one process, with what Lambda sets; its own folder has a folder `tmp`."""

    @property
    def working_directory(self) -> Path:
        """Where the command is started."""

    @property
    def limits_memory(self) -> bool:
        """Whether the form itself keeps a process within its memory."""

    def release(self) -> None:
        """Give back what was prepared."""


class ExecutionEnvironment:
    """Takes one event at a time. Not to be used after `alive` is False."""

    def __init__(self, function: Function, form: Form, host: Host, initialization: str) -> None:
        self.function = function
        today = datetime.now(UTC).strftime("%Y/%m/%d")
        number = uuid.uuid4().hex
        self.log = LogStream(function.logging.group, f"{today}/[{function.version}]{number}")
        self.used_mb = 0.0
        self.last_used = time.monotonic()
        self.initialization = initialization
        self._form = form
        self._host = host
        self._folder = host.folder / f"lambda-{function.name}-{number[:12]}"
        self._reports = Reports(function)
        self._api = RuntimeApi()
        self._sandbox = Sandbox(self._folder, self._print, self._api.end)
        self._printed: list[str] = []
        self._killed_for = ""
        self._init_ms: float | None = None
        self._lock = threading.Lock()

    @property
    def group(self) -> int | None:
        """The process group while it runs."""
        return self._sandbox.group

    @property
    def port(self) -> int:
        """Where its Runtime API listens."""
        return self._api.port

    @property
    def alive(self) -> bool:
        """Whether it can take an event."""
        return self._sandbox.group is not None and not self._killed_for

    def started(self, limit_s: float) -> FailedError | None:
        """Start the process and wait until it asks for an event; return why it did not."""
        begun = time.monotonic()
        try:
            self._start()
        except FailedError as error:
            return error
        except (LocalAwsError, OSError) as error:
            return FailedError("Sandbox.Failed", str(error))
        if self._api.wait_until_asked(limit_s):
            self._init_ms = (time.monotonic() - begun) * 1000
            return None
        failure = self._init_failure(limit_s)
        self._sandbox.kill()
        self._sandbox.drain()
        self._print(self._reports.init((time.monotonic() - begun) * 1000, failure.error_type))
        return failure

    def invoke(self, invocation: Invocation) -> Outcome | None:
        """Have an event handled; whatever fails is in the outcome.

        None where the process had ended before it could ask for the event: another one can take it.
        """
        init_ms, self._init_ms = self._init_ms, None
        self._printed = []
        self._print(self._reports.start(invocation.request_id))
        begun = time.monotonic()
        answer = self._api.run(invocation, self.function.timeout_s)
        if answer is None and self.group is None and self._api.untaken and not self._killed_for:
            return None
        duration_ms = (time.monotonic() - begun) * 1000
        if CHEAP:
            self.look()
        error = self._failure(answer)
        if answer is None or answer.size > MAX_RESPONSE_BYTES:  # the client ends where a response is refused
            self._sandbox.kill()
        self._sandbox.drain(_ENGINE_S if self._form.limits_memory else 0)
        return self._outcome(invocation.request_id, answer, error, duration_ms, init_ms)

    def refuse(self, invocation: Invocation, error: FailedError) -> Outcome:
        """Answer an event for which the environment did not come up."""
        self._print(self._reports.start(invocation.request_id))
        return self._outcome(invocation.request_id, None, error, 0.0, None)

    def look(self) -> None:
        """See how much memory is in use, and end the process where that is more than it may have."""
        if (group := self.group) is not None and not self._form.limits_memory:
            self.used_mb = max(self.used_mb, peaks_mb([group])[group])
            if self.used_mb > self.function.memory_mb:
                self.kill("Runtime.OutOfMemory")

    def _start(self) -> None:
        (self._folder / "tmp").mkdir(parents=True)
        session = self._host.session(self.function)
        given = variables(
            self.function, session=session, url=self._host.url, stream=self.log.name,
            runtime_api=f"127.0.0.1:{self.port}", initialization=self.initialization,
        )  # fmt: skip
        self._host.shipper.add(self.log, session)
        self._sandbox.start(self._form.launch(self._folder, given), self._form.working_directory)

    def _outcome(
        self,
        request_id: str,
        answer: Answer | None,
        error: FailedError | None,
        duration_ms: float,
        init_ms: float | None,
    ) -> Outcome:
        if error and error.payload is None:
            self._print(*self._reports.failure(request_id, error.error_type, str(error)))
        self._print(
            *self._reports.end(
                request_id, duration_ms=duration_ms, used_mb=self.used_mb,
                # What provisioned concurrency has started before is no part of an invocation.
                init_ms=init_ms if self.initialization == "on-demand" else None,
                error_type=error.error_type if error else "",
            )
        )  # fmt: skip
        self.last_used = time.monotonic()
        payload = error.answer(request_id) if error else (answer.payload if answer else b"null")
        return Outcome(payload, failed=error is not None, log=tuple(self._printed))

    def kill(self, error_type: str) -> None:
        """End the process now; an event inside fails with this type."""
        self._killed_for = error_type
        self._sandbox.kill()

    def remove(self) -> None:
        """End the process and remove all that was its own."""
        self._killed_for = self._killed_for or "Runtime.ExitError"
        self._sandbox.remove()
        self._api.close()
        self._host.shipper.remove(self.log)

    def _failure(self, answer: Answer | None) -> FailedError | None:
        if self._killed_for or (answer is None and self.group is None):
            return FailedError(self._killed_for or "Runtime.ExitError", self._sandbox.reason())
        if answer is None:
            limit = self.function.timeout_s
            return FailedError("Sandbox.Timedout", f"Task timed out after {limit:.2f} seconds")
        if answer.failed:
            return FailedError(answer.error_type or "Unhandled", "", answer.payload)
        if answer.size > MAX_RESPONSE_BYTES:
            return _too_large()
        return None

    def _init_failure(self, limit_s: float) -> FailedError:
        reported = self._api.init_error
        if reported:
            return FailedError(reported.error_type or "Runtime.Unknown", "", reported.payload)
        if self._killed_for or self.group is None:
            return FailedError(self._killed_for or "Runtime.ExitError", self._sandbox.reason())
        return FailedError("Sandbox.Timedout", f"Task timed out after {limit_s:.2f} seconds")

    def _print(self, *lines: str) -> None:
        with self._lock:
            for line in lines:
                if line:
                    self._printed.append(line)
                    self.log.append((time.time_ns() // 1_000_000, line))


def _too_large() -> FailedError:
    kind = "Function.ResponseSizeTooLarge"
    text = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
    return FailedError(kind, text, json.dumps({"errorType": kind, "errorMessage": text}).encode())
