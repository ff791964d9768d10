"""How many requests a key, and a stage's method, may make: token buckets and daily quotas.

Source: "Throttle requests to your REST APIs" and "Usage plans and API keys" in the API Gateway developer
guide. All requests run on one event loop, so nothing comes between a look at a bucket and the taking from
it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from localaws.apigateway.errors import GatewayError
from localaws.apigateway.stage import Json, Route, Stage


class Keys(Protocol):
    """API keys and usage plans, in the shapes of GetApiKey and GetUsagePlan."""

    def find(self, value: str, stage: Stage) -> Json | None:
        """Return the key with this value, enabled or not."""

    def plans(self, key_id: str, stage: Stage) -> Sequence[Json]:
        """Return the usage plans that hold the key and the stage."""


@dataclass
class _Bucket:
    tokens: float
    at: float


class Throttle:
    """The buckets and quotas of every stage. In memory: a restart starts all of them full."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._buckets: dict[tuple[str, ...], _Bucket] = {}
        self._used: dict[tuple[str, str, str], int] = {}

    def key(self, value: str, stage: Stage) -> Json:
        """Return the enabled key with this value that a plan of the stage holds. Raises GatewayError."""
        found = self._keys.find(value, stage) if value else None
        if found is None or not found.get("enabled", True) or not self._keys.plans(found["id"], stage):
            raise GatewayError("INVALID_API_KEY", "Forbidden")
        return found

    def take(self, stage: Stage, route: Route, key: Json | None) -> None:
        """Count one request against every limit that it has. Raises GatewayError: THROTTLED, QUOTA_EXCEEDED.

        The limits of the key's plan come first, then those of the stage's method; a refused request takes
        none.
        """
        plans = self._keys.plans(key["id"], stage) if key else ()
        taken = []
        for slot, limits in self._limits(stage, route, key, plans):
            bucket = self._filled(slot, limits)
            if bucket.tokens < 1:
                raise GatewayError("THROTTLED", "Too Many Requests")
            taken.append(bucket)
        quotas = [
            ((plan["id"], key["id"], _period(plan["quota"])), int(plan["quota"]["limit"]))
            for plan in plans
            if key and (plan.get("quota") or {}).get("limit") is not None
        ]
        if any(self._used.get(slot, 0) >= limit for slot, limit in quotas):
            raise GatewayError("QUOTA_EXCEEDED", "Limit Exceeded")
        for bucket in taken:
            bucket.tokens -= 1
        for slot, _ in quotas:
            self._used[slot] = self._used.get(slot, 0) + 1

    def _limits(
        self, stage: Stage, route: Route, key: Json | None, plans: Sequence[Json]
    ) -> list[tuple[tuple[str, ...], Json]]:
        where = (stage.api_id, stage.name, route.resource["path"], route.method["httpMethod"])
        found: list[tuple[tuple[str, ...], Json]] = []
        for plan in plans:
            if key is None:
                break
            found.append((("plan", plan["id"], key["id"]), plan.get("throttle") or {}))
            for entry in plan.get("apiStages") or []:
                limits = (
                    (entry.get("throttle") or {}).get("/".join(where[2:])) if _is_of(entry, stage) else None
                )
                if limits:
                    found.append((("plan", plan["id"], key["id"], *where), limits))
        found.append((("stage", *where), _method_limits(stage, where[2], where[3])))
        return [(slot, limits) for slot, limits in found if limits]

    def _filled(self, slot: tuple[str, ...], limits: Json) -> _Bucket:
        rate, burst = float(limits.get("rateLimit") or 0), float(limits.get("burstLimit") or 0)
        now = time.monotonic()
        bucket = self._buckets.setdefault(slot, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        return bucket


def _is_of(entry: Mapping[str, Any], stage: Stage) -> bool:
    return (entry.get("apiId"), entry.get("stage")) == (stage.api_id, stage.name)


def _method_limits(stage: Stage, path: str, method: str) -> Json:
    """Return the limits of one method, else of the whole stage; each method has a bucket of its own."""
    settings = {_setting(name): entry for name, entry in (stage.settings.get("methodSettings") or {}).items()}
    for name in (f"{path}/{method}", "*/*"):
        entry = settings.get(name) or {}
        if "throttlingRateLimit" in entry or "throttlingBurstLimit" in entry:
            return {
                "rateLimit": entry.get("throttlingRateLimit"),
                "burstLimit": entry.get("throttlingBurstLimit"),
            }
    return {}


def _setting(name: str) -> str:
    """Return a setting's name as a path and a method; templates write the path /predict as /~1predict."""
    path, _, method = name.replace("~1", "/").rpartition("/")
    return "*/*" if path in ("*", "/*") and method == "*" else f"/{path.lstrip('/')}/{method}"


def _period(quota: Json) -> str:
    """Return the name of the present day, week or month in UTC: a quota begins anew with each."""
    now = datetime.now(UTC)
    formats = {"DAY": "%Y-%m-%d", "WEEK": "%G-W%V", "MONTH": "%Y-%m"}
    return now.strftime(formats.get(quota.get("period", "DAY"), "%Y-%m-%d"))
