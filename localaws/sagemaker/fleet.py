"""What one production variant runs on: a container with its model, its log, and the requests inside it."""

import os
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from localaws.errors import LocalAwsError
from localaws.images import ImageTable
from localaws.images.prebuilt import Place
from localaws.ports import AccessDeniedError, NotFoundError, Ports, Scope
from localaws.sagemaker import model_data
from localaws.sagemaker.archive import BadArchiveError
from localaws.sagemaker.container import Container, UnhealthyError, free_port
from localaws.sagemaker.logs import LogShipper, LogStream
from localaws.sagemaker.models import Model, unreadable
from localaws.sagemaker.roles import PRINCIPAL
from localaws.sagemaker.variants import Variant

INVOCATION_TIMEOUT_S = 60.0
_MAX_REASON = 1024  # characters of a FailureReason


class FleetError(Exception):
    """The fleet cannot serve; the text is the endpoint's FailureReason."""


@dataclass(frozen=True)
class Host:
    """What every fleet of this server shares."""

    ports: Ports
    images: ImageTable
    shipper: LogShipper
    fleets: Path
    envs: Path
    url: str


class Fleet:
    """The process behind one variant. Requests enter and leave it; it stops once the last one has left."""

    def __init__(self, host: Host, scope: Scope, endpoint_arn: str, variant: Variant, model: Model) -> None:
        self.variant = variant
        self.model = model
        self._host = host
        self._scope = scope
        self._endpoint_arn = endpoint_arn
        self._in_flight = 0
        self._draining = False
        self._idle = threading.Condition()
        endpoint = endpoint_arn.rpartition("/")[2]
        instance = f"i-{uuid.uuid4().hex[:17]}"
        place = Place(
            folder=host.fleets / f"{endpoint}-{variant.name}-{instance}",
            port=free_port(),
            workers=_workers(variant),
            memory_mb=variant.serverless.memory_mb if variant.serverless else None,
        )
        self._log = LogStream(f"/aws/sagemaker/Endpoints/{endpoint}", f"{variant.name}/{instance}")
        self._container = Container(place, self._log.append)

    @property
    def base_url(self) -> str:
        """Where the model server listens."""
        return f"http://127.0.0.1:{self._container.place.port}"

    @property
    def port(self) -> int:
        """The port alone."""
        return self._container.place.port

    @property
    def pid(self) -> int | None:
        """The process group of the model server."""
        return self._container.pid

    @property
    def in_flight(self) -> int:
        """How many requests are inside."""
        return self._in_flight

    @property
    def draining(self) -> bool:
        """Whether it takes no more requests."""
        return self._draining

    def note(self, text: str) -> None:
        """Add a line of ours to the container's log."""
        self._log.append((time.time_ns() // 1_000_000, text))

    def successor(self, variant: Variant) -> "Fleet":
        """Return what serves this variant from now on: another fleet, or this one if nothing changes here."""
        if _workers(variant) == self._container.place.workers:
            return self
        return Fleet(self._host, self._scope, self._endpoint_arn, variant, self.model)

    def start(self) -> None:
        """Fetch the model under its role, start the process and wait for /ping. Raises FleetError."""
        place = self._container.place
        place.base.mkdir(parents=True)
        (place.folder / "tmp").mkdir()
        try:
            session = self._host.ports.roles.assume(
                self.model.role_arn, service=PRINCIPAL, source_arn=self._endpoint_arn, scope=self._scope
            )
            self._host.shipper.add(self._log, session)
            container = self.model.container
            model_data.fetch(container, place.base, self._host.ports.objects, session)
            runner = self._host.images.find(container.image, self.model.role_arn, lambda: session)
            variables = model_data.variables(container, self._host.url, self._scope, session)
            self._container.start(runner.prepare(place, self._host.envs, variables))
            self._container.wait_until_healthy(self.variant.startup_timeout_s)
        except (LocalAwsError, BadArchiveError) as error:
            raise FleetError(str(error)) from error
        except UnhealthyError as error:
            raise FleetError(self._unhealthy(str(error))) from error
        except (AccessDeniedError, NotFoundError) as error:
            bucket, key = self.model.container.archive or ("", "")
            raise FleetError(unreadable(self.model.role_arn, bucket, key, self._scope)) from error

    def enter(self) -> bool:
        """Count a request in.

        False once the fleet is draining: ask the endpoint for the one that replaced it.
        """
        with self._idle:
            if self._draining:
                return False
            self._in_flight += 1
            return True

    def leave(self) -> None:
        """Count a request out."""
        with self._idle:
            self._in_flight -= 1
            self._idle.notify_all()

    def stop(self, *, drain: bool = True) -> None:
        """Let the requests inside finish within their limit, end the process, send its last log lines."""
        deadline = time.monotonic() + INVOCATION_TIMEOUT_S
        with self._idle:
            self._draining = True
            while drain and self._in_flight and time.monotonic() < deadline:
                self._idle.wait(deadline - time.monotonic())
        self._container.stop(None if drain else 1.0)
        self._host.shipper.remove(self._log)

    def _unhealthy(self, detail: str) -> str:
        head = (
            f"The primary container for production variant {self.variant.name} did not pass the ping "
            f"health check. "
            f"Please check CloudWatch logs for this endpoint. {detail}"
        )
        room = _MAX_REASON - len(head) - 1
        return f"{head}\n{_last_lines(self._container.tail(), room)}".rstrip()


def _last_lines(text: str, room: int) -> str:
    """Return the end of `text`, at most `room` characters and from the beginning of a line."""
    return text if len(text) <= room else text[-room:].partition("\n")[2]


def _workers(variant: Variant) -> int:
    """Return how many workers stand for the variant's instances: what can really run side by side.

    A serverless variant has one, as on AWS.
    """
    return max(1, min(variant.instances, os.cpu_count() or 1))
