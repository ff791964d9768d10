"""A key that callers of an API show, and how much they may ask with it."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct


@dataclass(frozen=True, kw_only=True)
class UsagePlanProps:
    """What a UsagePlan needs to know."""

    api: apigateway.RestApi
    rate: float
    """Requests a second."""
    burst: int
    quota_per_day: int | None


class UsagePlan(Construct):
    """One plan and one key in it; AWS makes the key's value, which is in no template and no output.

    A key counts and slows callers down. It is sent with each request and never expires, so it is no lock to
    rely on.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: UsagePlanProps) -> None:
        super().__init__(scope, construct_id)
        key = apigateway.ApiKey(self, "Key", description=f"For {props.api.rest_api_name}")
        plan = apigateway.UsagePlan(
            self,
            "Default",
            throttle=apigateway.ThrottleSettings(rate_limit=props.rate, burst_limit=props.burst),
            quota=apigateway.QuotaSettings(limit=props.quota_per_day, period=apigateway.Period.DAY)
            if props.quota_per_day
            else None,
            api_stages=[apigateway.UsagePlanPerApiStage(api=props.api, stage=props.api.deployment_stage)],
        )
        plan.add_api_key(key)
        self.key_id = key.key_id
