"""What a million requests to a function cost: AWS's list prices, looked at on a date, and no network.

They are prices of us-east-1 in USD, without the free tier, taxes and data transfer; other regions differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from stacks.settings import ModelSettings, StageSettings

LOOKED_AT = "2026-11"
# Each with the page that it is on.
PAGES = ("Amazon API Gateway pricing", "AWS Lambda pricing", "Amazon CloudWatch pricing", "AWS WAF pricing")

_API_PER_MILLION = 3.50  # REST API, the first 333 million requests of a month
_LAMBDA_PER_MILLION = 0.20
_GB_SECOND = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
_PROVISIONED_GB_SECOND = {"x86_64": 0.0000041667, "arm64": 0.0000033334}
_SNAPSHOT_GB_SECOND = 0.0000015046
_LOGS_PER_GB = 0.50
_WAF_PER_MILLION = 0.60
_WAF_ACL_PER_MONTH, _WAF_RULE_PER_MONTH = 5.0, 1.0
_WAF_RULES = 4  # of stacks/constructs/web_acl.py

# What is billed for one request of a small model: Lambda rounds up to 1 ms, and its log's REPORT line says
# how much it was. This is a careful figure.
BILLED_MS = 10
# An access log line and what Lambda writes about a request, in bytes.
_LOG_BYTES = 1000
_MONTH_S = 730 * 3600


@dataclass(frozen=True)
class Cost:
    """USD for a million requests, by what is billed, and for a month whether anybody asks or not."""

    per_million: dict[str, float]
    per_month: dict[str, float]

    @property
    def total_per_million(self) -> float:
        """The sum."""
        return sum(self.per_million.values())


def cost(model: ModelSettings, stage: StageSettings) -> Cost:
    """Return what a function behind API Gateway costs.

    Args:
        model: the model's settings; its target is lambda.
        stage: whether there is a firewall.
    """
    serve = model.serve
    gigabytes = serve.resolved_memory_mb / 1024
    per_million = {
        "API Gateway": _API_PER_MILLION,
        "Lambda requests": _LAMBDA_PER_MILLION,
        f"Lambda {BILLED_MS} ms x {serve.resolved_memory_mb} MB {serve.architecture}": gigabytes
        * BILLED_MS
        * 1000
        * _GB_SECOND[serve.architecture],
        "logs": 1e6 * _LOG_BYTES / 1e9 * _LOGS_PER_GB,
    }
    per_month = {}
    if stage.waf:
        per_million["WAF"] = _WAF_PER_MILLION
        per_month["WAF"] = _WAF_ACL_PER_MONTH + _WAF_RULES * _WAF_RULE_PER_MONTH
    if serve.provisioned_concurrency:
        warm = serve.provisioned_concurrency * gigabytes * _MONTH_S
        per_month["provisioned concurrency"] = warm * _PROVISIONED_GB_SECOND[serve.architecture]
    if serve.snap_start:
        per_month["the snapshot of each version"] = gigabytes * _MONTH_S * _SNAPSHOT_GB_SECOND
    return Cost(per_million, per_month)


def told(found: Cost) -> list[str]:
    """Return a cost as lines for a person, the estimate's assumptions and source in the last."""
    parts = ", ".join(f"{name} {usd:.2f}" for name, usd in found.per_million.items())
    monthly = [
        f"and {usd:.2f} USD a month for {name}, used or not" for name, usd in found.per_month.items()
    ] or ["and nothing while nobody asks"]
    return [
        f"about {found.total_per_million:.2f} USD for a million requests: {parts}",
        *monthly,
        f"(list prices of us-east-1, {LOOKED_AT}: {', '.join(PAGES)}; starts of instances are billed, too)",
    ]
