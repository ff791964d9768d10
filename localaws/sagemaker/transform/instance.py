"""One instance of a job: a model server of its own, asked for its limits, and the files that it takes."""

import http.client
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from localaws.errors import LocalAwsError
from localaws.images.prebuilt import Place
from localaws.ports import AccessDeniedError, Credentials, NotFoundError, Scope
from localaws.sagemaker import model_data
from localaws.sagemaker.archive import BadArchiveError
from localaws.sagemaker.container import Container, UnhealthyError, free_port
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.fleet import Host
from localaws.sagemaker.logs import LogStream
from localaws.sagemaker.models import Model, unreadable
from localaws.sagemaker.transform import file
from localaws.sagemaker.transform.failures import ALGORITHM, CLIENT, FileError, JobError
from localaws.sagemaker.transform.file import Plan
from localaws.sagemaker.transform.files import InputFile, bucket_and_key
from localaws.sagemaker.transform.request import MAX_PAYLOAD_MB, MULTI, SINGLE, TransformRequest
from localaws.sagemaker.transform.sender import Sender

GROUP = "/aws/sagemaker/TransformJobs"
_STARTUP_S = 60.0
_ASK_S = 5.0
_DEFAULT_PAYLOAD_MB = 6
_MB = 1 << 20
_MAX_REASON = 1024
_STRATEGIES = {"MULTI_RECORD": MULTI, "SINGLE_RECORD": SINGLE}


class Instance:
    """A container and its logs. `workers` is how many requests its model server works on at a time."""

    def __init__(
        self,
        host: Host,
        scope: Scope,
        model: Model,
        request: TransformRequest,
        session: Credentials,
        workers: int,
    ) -> None:
        self._host = host
        self._scope = scope
        self._model = model
        self._request = request
        self._session = session
        self._stopped = threading.Event()
        self._sender: Sender | None = None
        self._ended = False
        self._ending = threading.Lock()
        name = f"i-{uuid.uuid4().hex[:17]}"
        folder = host.fleets / f"{request.name}-transform-{name}"
        self._files = folder / "files"
        self._log = LogStream(GROUP, f"{request.name}/{name}")
        self._data_log = LogStream(GROUP, f"{request.name}/{name}/data-log")
        self._container = Container(Place(folder, free_port(), workers), self._log.append)

    @property
    def port(self) -> int:
        """Where the model server listens."""
        return self._container.place.port

    @property
    def folder(self) -> Path:
        """Room for files that are on their way; it goes with the instance."""
        return self._files

    def note(self, text: str, about: InputFile | None = None) -> None:
        """Write lines to the data log, as AWS writes them there."""
        for line in text.splitlines():
            self._data_log.append(
                (
                    time.time_ns() // 1_000_000,
                    f"[sagemaker logs]: {about.shown}: {line}" if about else f"[sagemaker logs]: {line}",
                )
            )

    def start(self) -> None:
        """Fetch the model, start its server and wait for /ping. Raises JobError."""
        place, container = self._container.place, self._model.container
        place.base.mkdir(parents=True)
        (place.folder / "tmp").mkdir()
        self._files.mkdir()
        try:
            for stream in (self._log, self._data_log):
                self._host.shipper.add(stream, self._session)
            model_data.fetch(container, place.base, self._host.ports.objects, self._session)
            runner = self._host.images.find(container.image, self._model.role_arn, lambda: self._session)
            variables = model_data.variables(container, self._host.url, self._scope, self._session)
            variables.update(self._request.variables)
            self._container.start(runner.prepare(place, self._host.envs, variables))
            self._container.wait_until_healthy(_STARTUP_S)
        except (LocalAwsError, BadArchiveError, ApiError) as error:
            raise JobError(f"{CLIENT}: {error}") from error
        except (AccessDeniedError, NotFoundError) as error:
            bucket, key = container.archive or ("", "")
            raise JobError(
                f"{CLIENT}: {unreadable(self._model.role_arn, bucket, key, self._scope)}"
            ) from error
        except UnhealthyError as error:
            head = (
                f"{ALGORITHM}: The primary container did not pass the ping health check. Please check "
                f"CloudWatch logs for this job. {error}"
            )
            raise JobError(f"{head}\n{self._container.tail()[-(_MAX_REASON - len(head) - 1) :]}") from error

    def run(self, take: Callable[[], InputFile | None], failed: Callable[[FileError], None]) -> None:
        """Transform files until there are none. Raises StoppedError."""
        asked = self._execution_parameters()
        plan, concurrent = self._plan(asked)
        shown = {value: name for name, value in _STRATEGIES.items()}
        payload = "0" if plan.limit is None else str(plan.limit // _MB)
        strategy = shown[SINGLE if plan.single else MULTI]
        self.note(f"MaxConcurrentTransforms={concurrent}, MaxPayloadInMB={payload}, BatchStrategy={strategy}")
        request = self._request
        sender = self._sender = Sender(
            self.port, request.headers, request.timeout_s, request.retries, self._stopped
        )
        with ThreadPoolExecutor(concurrent) as pool, ThreadPoolExecutor(min(concurrent, 4)) as takers:

            def work() -> None:
                while (taken := take()) is not None:
                    try:
                        self._transform(taken, plan, sender, pool, concurrent)
                    except FileError as error:
                        self.note(str(error), taken)
                        failed(error)

            workers = [takers.submit(work) for _ in range(min(concurrent, 4))]
            try:
                for worker in workers:
                    worker.result()
            finally:
                sender.close()

    def _transform(
        self, taken: InputFile, plan: Plan, sender: Sender, pool: ThreadPoolExecutor, concurrent: int
    ) -> None:
        store, folder = self._host.ports.objects, self._files / uuid.uuid4().hex
        folder.mkdir()
        source, target = folder / "in", folder / "out"
        try:
            self._request.inputs.fetch(taken, source, store, self._session)
            file.transform(source, target, plan, sender, pool, ahead=2 * concurrent)
            bucket, prefix = bucket_and_key(self._request.output_uri)
            key = "/".join(filter(None, (prefix.rstrip("/"), f"{taken.name}.out")))
            try:
                store.upload(bucket, key, target, self._session, kms_key=self._request.kms_key)
            except (AccessDeniedError, NotFoundError) as error:
                raise FileError(CLIENT, f"Failed to upload s3://{bucket}/{key}: {error}") from error
        finally:
            for path in (source, target):
                path.unlink(missing_ok=True)
            folder.rmdir()

    def interrupt(self) -> None:
        """Make `run` end with StoppedError: requests under way break off, and no new ones begin."""
        self._stopped.set()
        if self._sender:
            self._sender.interrupt()

    def stop(self, grace_s: float | None = None) -> None:
        """End the process, send the last log lines, remove the folder."""
        self.interrupt()
        with self._ending:
            if self._ended:
                return
            self._ended = True
            self._container.stop(grace_s)
            for stream in (self._log, self._data_log):
                self._host.shipper.remove(stream)

    def _plan(self, asked: Mapping[str, Any]) -> tuple[Plan, int]:
        """Return how files are sent, and how many at a time: as asked for, or as the container has it."""
        request = self._request
        payload = request.max_payload_mb
        if payload is None:
            payload = min(_number(asked, "MaxPayloadInMB", _DEFAULT_PAYLOAD_MB), MAX_PAYLOAD_MB)
        concurrent = request.max_concurrent or _number(asked, "MaxConcurrentTransforms", 1)
        strategy = request.strategy or _STRATEGIES.get(str(asked.get("BatchStrategy")), MULTI)
        plan = Plan(
            limit=payload * _MB or None,
            lines=request.lines,
            single=strategy == SINGLE,
            assemble_lines=request.assemble_lines,
            processing=request.processing,
        )
        return plan, max(1, min(concurrent, MAX_PAYLOAD_MB // max(payload, 1)))

    def _execution_parameters(self) -> Mapping[str, Any]:
        """Return what the container says of itself; nothing where it does not."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ASK_S)
        try:
            connection.request("GET", "/execution-parameters")
            answer = connection.getresponse()
            parameters = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return {}
        finally:
            connection.close()
        return parameters if answer.status == http.client.OK and isinstance(parameters, dict) else {}


def _number(asked: Mapping[str, Any], name: str, default: int) -> int:
    value = asked.get(name)
    return value if isinstance(value, int) and value > 0 else default


def cores() -> int:
    """Return how many processes can really run side by side."""
    return os.cpu_count() or 1
