"""What a web ACL blocks here: clients above the limit of a rate-based rule, and all where that is the
default.

Managed rule groups, and statements other than a rate by address, are not emulated and let every request
pass. AWS estimates a rate every few seconds and blocks somewhat later; here a client is blocked with the
request that is above the limit. Source: "Using rate-based rule statements in AWS WAF" in its developer
guide.
"""

import time
from collections import deque

from localaws.apigateway.errors import GatewayError
from localaws.apigateway.request import Request
from localaws.apigateway.stage import Json, Stage

_WINDOW_S = 300


class Firewall:
    """Counts the requests of each address for each rate-based rule."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str], deque[float]] = {}

    def check(self, stage: Stage, request: Request) -> None:
        """Count one request. Raises GatewayError where the stage's web ACL blocks it."""
        if stage.web_acl is None:
            return
        blocked = "Block" in (stage.web_acl.get("DefaultAction") or {})
        for rule in stage.web_acl.get("Rules") or []:
            rate = (rule.get("Statement") or {}).get("RateBasedStatement") or {}
            if (
                rate.get("AggregateKeyType", "IP") != "IP"
                or "ScopeDownStatement" in rate
                or "Limit" not in rate
            ):
                continue
            above = self._count(stage.web_acl["ARN"], rule["Name"], request.source_ip, rate)
            blocked = blocked or (above and "Block" in (rule.get("Action") or {}))
        if blocked:
            raise GatewayError("WAF_FILTERED", "Forbidden")

    def _count(self, web_acl: str, rule: str, address: str, rate: Json) -> bool:
        limit = int(rate["Limit"])
        now = time.monotonic()
        seen = self._seen.setdefault((web_acl, rule, address), deque())
        while seen and seen[0] < now - int(rate.get("EvaluationWindowSec", _WINDOW_S)):
            seen.popleft()
        if len(seen) <= limit:  # more than one above the limit need not be kept
            seen.append(now)
        return len(seen) > limit
