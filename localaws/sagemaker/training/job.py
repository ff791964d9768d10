"""One training job: its life on a thread, from fetching the data to storing the model."""

import threading
import time
from contextlib import suppress
from typing import Any

from localaws.images.prebuilt import TrainingImage
from localaws.ports import AccessDeniedError, Credentials, Scope
from localaws.sagemaker.container import free_port
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.fleet import Host
from localaws.sagemaker.logs import LogStream
from localaws.sagemaker.roles import PRINCIPAL
from localaws.sagemaker.training import failures
from localaws.sagemaker.training.checkpoints import CheckpointSync
from localaws.sagemaker.training.failures import JobError
from localaws.sagemaker.training.files import JobFiles
from localaws.sagemaker.training.history import History
from localaws.sagemaker.training.host import TrainingHost, host_names
from localaws.sagemaker.training.metrics import NAMESPACE, MetricWatch
from localaws.sagemaker.training.request import TrainingRequest
from localaws.sagemaker.training.variables import variables

STOP_GRACE_S = 120.0  # what AWS gives an algorithm between SIGTERM and SIGKILL
_POLL_S = 0.05
_REPORT_S = 1.0  # between two looks at metrics and checkpoints
_OTHERS_GRACE_S = 5.0  # for the hosts beside one that failed


class _KilledError(Exception):
    """The server stops: nothing of the job is stored any more."""


class TrainingJob:
    """A job that has been accepted. `start` begins it; a final status is its last word."""

    def __init__(
        self, host: Host, scope: Scope, arn: str, request: TrainingRequest, image: TrainingImage
    ) -> None:
        self.request = request
        self.arn = arn
        self.history = History()
        self.failure_reason = ""
        self.has_model = False
        self._host = host
        self._scope = scope
        self._image = image
        definitions = (*image.metric_definitions, *request.metrics)
        self.metrics = MetricWatch(definitions, request.name, host.ports.metrics, scope)
        self._hosts: list[TrainingHost] = []
        self._wake = threading.Event()
        self._ending = threading.Lock()  # a kill must not meet a start half-way
        self._killed = False
        self._thread = threading.Thread(target=self._run, name=f"training-{request.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin to stop. Raises the ValidationException for a job that is stopping or has ended."""
        self.history.stop()
        self._wake.set()

    def kill(self) -> None:
        """End the processes at once and remove their files: the server stops."""
        if self.history.is_final:
            return
        with self._ending:
            self._killed = True
            self._wake.set()
            for host in self._hosts:
                host.remove()

    @property
    def status(self) -> str:
        """TrainingJobStatus."""
        return self.history.status

    @property
    def model_uri(self) -> str:
        """Where the model is, or is going to be."""
        folder = self.request.output.below(f"{self.request.name}/output")
        return f"{folder}/model.tar.gz" if self.request.is_compressed else f"{folder}/model/"

    def describe(self) -> dict[str, Any]:
        """Return what DescribeTrainingJob tells beside the request."""
        answer: dict[str, Any] = {"TrainingJobArn": self.arn, **self.history.describe()}
        if self.failure_reason and self.history.is_final:
            answer["FailureReason"] = self.failure_reason
        if self.has_model:
            answer["ModelArtifacts"] = {"S3ModelArtifacts": self.model_uri}
        if final := self.metrics.final():
            answer["FinalMetricDataList"] = final
        return answer

    def _run(self) -> None:
        try:
            end = self._lived()
        except _KilledError:
            return
        except JobError as error:
            end, self.failure_reason = "Failed", str(error)
        except Exception as error:  # whatever it is: a job ends, and says why
            if self._killed:
                return
            end, self.failure_reason = "Failed", str(failures.of_service(error))
        self._clean_up()
        if end:
            self.history.enter(end)
        else:
            self.history.finish()

    def _lived(self) -> str:
        """Do all that the job is for, and return its final status; "" where that depends on a stop."""
        session = self._session()
        files = JobFiles(
            self._host.ports.objects, session, self.request.role_arn, self._scope.region, self.request.kms_key
        )
        self._lay_out(session)
        if self._is_stopping():
            return ""
        self.history.enter("Downloading")
        checkpoints = self._download(files)
        if self._is_stopping():
            return ""
        self._launch(session)
        is_late = self._wait(checkpoints)
        self._check_killed()
        self.history.enter("Uploading")
        if checkpoints:
            checkpoints.store()
        self._upload(files)
        return "MaxRuntimeExceeded" if is_late else ""

    def _session(self) -> Credentials:
        try:
            return self._host.ports.roles.assume(
                self.request.role_arn, service=PRINCIPAL, source_arn=self.arn, scope=self._scope
            )
        except AccessDeniedError as error:
            raise JobError(f"ClientError: Could not assume role {self.request.role_arn}: {error}") from error

    def _lay_out(self, session: Credentials) -> None:
        port, began = free_port(), int(time.time())
        with self._ending:
            self._check_killed()
            for name in host_names(self.request.hosts):
                log = LogStream(NAMESPACE, f"{self.request.name}/{name}-{began}")
                folder = self._host.fleets / self.request.name
                host = TrainingHost(name, folder, port, log, self.metrics.search)
                self._hosts.append(host)
                self._host.shipper.add(log, session)
                host.lay_out(self.request)

    def _download(self, files: JobFiles) -> CheckpointSync | None:
        for channel in self.request.channels:
            items = files.items(channel, self._hosts[0].place.folder / "tmp")
            for number, host in enumerate(self._hosts):
                share = channel.share(items, number, len(self._hosts))
                self._check_killed()
                files.download(share, host.folder(f"input/data/{channel.name}"))
        if self.request.checkpoints is None:
            return None
        sync = CheckpointSync(self.request.checkpoints, [host.place.base for host in self._hosts], files)
        sync.fetch()
        return sync

    def _launch(self, session: Credentials) -> None:
        for host in self._hosts:
            given = variables(self.request, self.arn, host, self._host.url, self._scope, session)
            launch = self._image.prepare_training(host.place, self._host.envs, given)
            with self._ending:
                self._check_killed()
                host.start(launch)
        if not self._is_stopping():
            self.history.enter("Training")

    def _wait(self, checkpoints: CheckpointSync | None) -> bool:
        """Wait until every host has ended well, or end them; return whether they took too long.

        Raises JobError for the first host that failed, after ending the others.
        """
        now = time.monotonic()
        deadline, report, grace = now + self.request.max_runtime_s, now, float("inf")
        is_late = False
        while not self._killed and any(host.poll() is None for host in self._hosts):
            now = time.monotonic()
            if grace == float("inf"):
                self._raise_for_failure()
                if now > deadline and not self._is_stopping():
                    is_late = True
                    with suppress(ApiError):  # a StopTrainingJob was quicker
                        self.history.stop()
                if self._is_stopping():
                    grace = now + STOP_GRACE_S
                    for host in self._hosts:
                        host.interrupt()
            if now > grace:
                break
            if now - report > _REPORT_S:
                report = now
                self.metrics.publish()
                if checkpoints:
                    checkpoints.store()
            time.sleep(_POLL_S) if self._wake.is_set() else self._wake.wait(_POLL_S)
        if not self._is_stopping():
            self._raise_for_failure()
        for host in self._hosts:
            host.end()
        return is_late

    def _raise_for_failure(self) -> None:
        failed = next((host for host in self._hosts if host.poll()), None)
        if failed is None or self._killed:
            return
        code, text = failed.poll() or 0, failed.failure()
        for host in self._hosts:
            host.interrupt()
        for host in self._hosts:
            host.end(_OTHERS_GRACE_S)
        raise failures.of_process(code, text)

    def _upload(self, files: JobFiles) -> None:
        folder = self.request.output.below(f"{self.request.name}/output")
        scratch = self._hosts[0].place.folder
        models = [host.folder("model") for host in self._hosts]
        if self.request.is_compressed:
            files.upload_archive(models, scratch / "model.tar.gz", folder.below("model.tar.gz"))
        else:
            files.upload_each(models, folder.below("model"))
        outputs = [host.folder("output/data") for host in self._hosts]
        files.upload_archive(outputs, scratch / "output.tar.gz", folder.below("output.tar.gz"))
        self.has_model = True

    def _clean_up(self) -> None:
        for host in self._hosts:
            host.remove()
            self._host.shipper.remove(host.log)
        self.metrics.publish()

    def _is_stopping(self) -> bool:
        return self.history.status == "Stopping"

    def _check_killed(self) -> None:
        if self._killed:
            raise _KilledError
