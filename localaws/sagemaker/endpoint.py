"""One endpoint: its state machine, and the switch of traffic from one set of fleets to the next."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from localaws.ports import Scope
from localaws.sagemaker.endpoint_configs import EndpointConfig
from localaws.sagemaker.errors import validation_error
from localaws.sagemaker.fleet import Fleet, FleetError, Host
from localaws.sagemaker.models import Model
from localaws.sagemaker.routing import Member, Traffic
from localaws.sagemaker.variants import Variant, check_shares, desired, retained

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
        self._desired: Mapping[str, Variant] = {}  # of variants that are on their way there
        self._host = host
        self._changed = threading.Condition()

    def deploy(
        self, config: EndpointConfig, models: Sequence[Model], retain: frozenset[str] = frozenset()
    ) -> None:
        """Begin to serve `config`, whose variants (the shadow last) run `models` in order; returns at once.

        `retain` are the properties that variants keep from what is live. Raises the ValidationException
        where another change is still under way, or where this one is not possible.
        """
        with self._changed:
            if self.config is not None and self.status not in _SETTLED:
                raise self._in_progress()
            if self.traffic and self.config and config.serverless and not self.config.serverless:
                raise validation_error(
                    f'Cannot update endpoint "{self.arn}" on instances to a serverless one. '
                    "Create another endpoint."
                )
            live = self.traffic.variants if self.traffic else {}
            variants = retained(config.all_variants, live, retain)
            check_shares(variants[: len(config.variants)])
            self._set("Creating" if self.traffic is None else "Updating", "")
            self.config = self.config or config
        members = [
            Member(Fleet(self._host, self.scope, self.arn, variant, model), variant)
            for variant, model in zip(variants, models, strict=True)
        ]
        new = Traffic(members[: len(config.variants)], members[-1] if config.shadow else None)
        self._begin(lambda: self._switch(config, new))

    def rescale(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Begin to give live variants other weights or capacities; returns at once. Raises as `deploy` does.

        Weights are one assignment. A capacity that needs another fleet gets it before the old one goes.
        """
        with self._changed:
            if self.status not in _SETTLED:
                raise self._in_progress()
            traffic, config = self.traffic, self.config
            if traffic is None or config is None:
                raise validation_error(
                    f'Endpoint "{self.arn}" is {self.status}: it has no variant to update.'
                )
            wanted = desired(entries, traffic.variants, config.name)
            check_shares({**traffic.variants, **wanted}[variant.name] for variant in config.variants)
            self._desired = wanted
            self._set("Updating", "")
        moved = {
            name: successor
            for member in traffic.all_members
            if (name := member.variant.name) in wanted
            and (successor := member.fleet.successor(wanted[name])) is not member.fleet
        }
        self._begin(lambda: self._switch(config, traffic.changed(wanted, moved)))

    def delete(self) -> None:
        """Begin to take the endpoint down; returns at once. Raises as `deploy` does."""
        with self._changed:
            if self.status not in _SETTLED:
                raise self._in_progress()
            self._set("Deleting", "")
            old, self.traffic = self.traffic, None
        self._begin(lambda: self._take_down(old))

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
        if traffic := self.traffic:
            answer["ProductionVariants"] = [self._member(member) for member in traffic.members]
            if traffic.shadow:
                answer["ShadowProductionVariants"] = [self._member(traffic.shadow)]
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

    def _begin(self, change: Callable[[], None]) -> None:
        threading.Thread(target=change, name=f"change-{self.name}").start()

    def _switch(self, config: EndpointConfig, new: Traffic) -> None:
        """Start what is new in `new`, move the traffic, and stop what no longer serves."""
        old = self.traffic
        running = old.fleets if old else ()
        added = [fleet for fleet in new.fleets if fleet not in running]
        try:
            _each(added, Fleet.start)
        except FleetError as error:
            self._give_up(added, str(error))
            return
        except Exception as error:  # a state machine must not stop half-way: any fault is a failed deployment
            self._give_up(added, f"{type(error).__name__}: {error}")
            raise
        self.traffic, self.config = new, config
        gone = [fleet for fleet in running if fleet not in new.fleets]
        _stop(gone, drain=True, shadow=_shadow(old))
        self._finish("InService", "")

    def _give_up(self, fleets: Sequence[Fleet], reason: str) -> None:
        _stop(fleets, drain=False)
        self._finish("InService" if self.traffic else "Failed", reason)

    def _take_down(self, traffic: Traffic | None) -> None:
        if traffic:
            _stop(traffic.fleets, drain=True, shadow=_shadow(traffic))
        self._finish("Deleted", "")

    def _finish(self, status: str, reason: str) -> None:
        with self._changed:
            self._desired = {}
            self._set(status, reason)
            self._changed.notify_all()

    def _set(self, status: str, reason: str) -> None:
        self.status, self.failure_reason, self.modified = status, reason, time.time()

    def _in_progress(self) -> Exception:
        return validation_error(f'Cannot update in-progress endpoint "{self.arn}".')

    def _member(self, member: Member) -> dict[str, Any]:
        """Return a variant's entry of the DescribeEndpoint answer."""
        now = member.variant
        then = self._desired.get(now.name, now)
        answer: dict[str, Any] = {
            "VariantName": now.name,
            "DeployedImages": [{"SpecifiedImage": member.fleet.model.container.image}],
            "CurrentWeight": now.weight,
            "DesiredWeight": then.weight,
            "CurrentInstanceCount": now.instances,
            "DesiredInstanceCount": then.instances,
        }
        if now.serverless and then.serverless:
            answer["CurrentServerlessConfig"] = now.serverless.describe()
            answer["DesiredServerlessConfig"] = then.serverless.describe()
        return answer


def _each(fleets: Sequence[Fleet], do: Callable[[Fleet], None]) -> None:
    """Do one thing to all fleets at once. Raises what the first one raises, after all have ended."""
    if fleets:
        with ThreadPoolExecutor(len(fleets)) as pool:
            list(pool.map(do, fleets))


def _stop(fleets: Sequence[Fleet], *, drain: bool, shadow: Fleet | None = None) -> None:
    """Stop fleets; a shadow's requests have nobody who waits for them."""
    with suppress(OSError):
        _each(fleets, lambda fleet: fleet.stop(drain=drain and fleet is not shadow))


def _shadow(traffic: Traffic | None) -> Fleet | None:
    return traffic.shadow.fleet if traffic and traffic.shadow else None
