"""One endpoint: its state machine, and the switch of traffic from one set of fleets to the next."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker.endpoint_configs import EndpointConfig
from localaws.sagemaker.errors import validation_error
from localaws.sagemaker.fleet import Fleet, FleetError, Host
from localaws.sagemaker.models import Model
from localaws.sagemaker.routing import Traffic

_SETTLED = ("InService", "Failed", "Deleted")


class Endpoint:
    """A named endpoint. Changes run on a thread; `status` and `failure_reason` say how they went.

    An update starts new fleets beside the old ones. Traffic moves in one assignment once all of them are
    healthy; if one is not, traffic never moves, the endpoint is InService on the old configuration, and the
    reason stays.
    """

    def __init__(self, host: Host, scope: Scope, name: str, arn: str) -> None:
        self.name = name
        self.arn = arn
        self.scope = scope
        self.config: EndpointConfig | None = None
        self.status = "Creating"
        self.failure_reason = ""
        self.created = self.modified = time.time()
        self.traffic: Traffic | None = None
        self._host = host
        self._changed = threading.Condition()

    def deploy(self, config: EndpointConfig, models: Sequence[Model]) -> None:
        """Begin to serve `config`, whose variants run `models` in order; returns at once.

        Raises the ValidationException where another change is still under way.
        """
        with self._changed:
            if self.config is not None and self.status not in _SETTLED:
                raise self._in_progress()
            self._set("Creating" if self.traffic is None else "Updating", "")
            self.config = self.config or config
        fleets = [
            Fleet(self._host, self.scope, self.arn, variant, model)
            for variant, model in zip(config.variants, models, strict=True)
        ]
        threading.Thread(target=self._roll_out, args=(config, fleets), name=f"deploy-{self.name}").start()

    def delete(self) -> None:
        """Begin to take the endpoint down; returns at once. Raises as `deploy` does."""
        with self._changed:
            if self.status not in _SETTLED:
                raise self._in_progress()
            self._set("Deleting", "")
            old, self.traffic = self.traffic, None
        threading.Thread(target=self._take_down, args=(old,), name=f"delete-{self.name}").start()

    def wait(self, timeout_s: float) -> str:
        """Wait until no change is under way, and return the status."""
        with self._changed:
            self._changed.wait_for(lambda: self.status in _SETTLED, timeout_s)
            return self.status

    def kill(self) -> None:
        """End every process at once; for when the server itself stops."""
        if self.traffic:
            _stop(self.traffic.fleets, drain=False)

    def describe(self) -> dict[str, Any]:
        """Return the DescribeEndpoint answer."""
        answer = {**self.summary(), "EndpointConfigName": self.config.name if self.config else ""}
        if self.traffic:
            answer["ProductionVariants"] = [_variant(fleet) for fleet in self.traffic.fleets]
        if self.failure_reason:
            answer["FailureReason"] = self.failure_reason
        return answer

    def summary(self) -> dict[str, Any]:
        """Return this endpoint's entry of a ListEndpoints answer."""
        return {
            "EndpointName": self.name,
            "EndpointArn": self.arn,
            "EndpointStatus": self.status,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }

    def _roll_out(self, config: EndpointConfig, fleets: list[Fleet]) -> None:
        try:
            with ThreadPoolExecutor(len(fleets)) as pool:
                list(pool.map(Fleet.start, fleets))
        except FleetError as error:
            self._give_up(fleets, str(error))
            return
        except Exception as error:  # a state machine must not stop half-way: any fault is a failed deployment
            self._give_up(fleets, f"{type(error).__name__}: {error}")
            raise
        old, self.traffic = self.traffic, Traffic(fleets)
        self.config = config
        if old:
            _stop(old.fleets, drain=True)
        self._finish("InService", "")

    def _give_up(self, fleets: list[Fleet], reason: str) -> None:
        _stop(fleets, drain=False)
        self._finish("InService" if self.traffic else "Failed", reason)

    def _take_down(self, traffic: Traffic | None) -> None:
        if traffic:
            _stop(traffic.fleets, drain=True)
        self._finish("Deleted", "")

    def _finish(self, status: str, reason: str) -> None:
        with self._changed:
            self._set(status, reason)
            self._changed.notify_all()

    def _set(self, status: str, reason: str) -> None:
        self.status, self.failure_reason, self.modified = status, reason, time.time()

    def _in_progress(self) -> Exception:
        return validation_error(f'Cannot update in-progress endpoint "{self.arn}".')


def _stop(fleets: Sequence[Fleet], *, drain: bool) -> None:
    with ThreadPoolExecutor(len(fleets)) as pool, suppress(OSError):
        list(pool.map(lambda fleet: fleet.stop(drain=drain), fleets))


def _variant(fleet: Fleet) -> dict[str, Any]:
    variant = fleet.variant
    return {
        "VariantName": variant.name,
        "DeployedImages": [{"SpecifiedImage": fleet.model.container.image}],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": variant.instances,
        "DesiredInstanceCount": variant.instances,
    }
