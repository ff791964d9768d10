"""An endpoint and its configuration: which models answer, and on what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

_Variant = sagemaker.CfnEndpointConfig.ProductionVariantProperty
# Loading scikit-learn and a model takes seconds; AWS allows 60 to 3600 s.
STARTUP_HEALTH_CHECK_TIMEOUT_S = 300


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Machines of one's own, which run and bill until the endpoint is deleted."""

    instance_type: str
    instance_count: int


@dataclass(frozen=True, kw_only=True)
class OnDemand:
    """Containers that AWS starts when requests come: a serverless endpoint."""

    memory_mb: int
    max_concurrency: int
    provisioned_concurrency: int | None


@dataclass(frozen=True, kw_only=True)
class EndpointVariant:
    """A model behind the endpoint."""

    name: str
    """A role and never a version: an update needs the same names before and after, and alarms, scaling and
    weights hang on them."""
    model_name: str
    weight: float
    """0 stays 0."""
    runs_on: Machines | OnDemand


@dataclass(frozen=True, kw_only=True)
class EndpointProps:
    """What an Endpoint needs to know."""

    endpoint_name: str
    """The name: [a-z0-9-], 63 characters at most."""
    variants: Sequence[EndpointVariant]
    """Those that answer."""
    shadows: Sequence[EndpointVariant]
    """None, or one that gets copies of the requests of the one variant that answers."""
    key_arn: str | None
    """Encrypt the machines' disks with this key."""
    log_group: logs.ILogGroup


class Endpoint(Construct):
    """An endpoint that keeps its name while models come and go.

    Its name is the only one that we choose: alarms need it as a dimension before the endpoint is there, and
    apps keep it. A new artifact makes a new Model and EndpointConfig, and the endpoint is updated to it.

    It has no DeploymentConfig: AWS's default moves all traffic at once, to new machines that passed their
    health checks, and keeps the old ones if they do not. Rollback by alarm would watch metrics of the old and
    the new machines together: an alarm that a bad model set off would roll back the deploy that mends it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: EndpointProps) -> None:
        super().__init__(scope, construct_id)
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            kms_key_id=props.key_arn,
            production_variants=[_variant(variant) for variant in props.variants],
            shadow_production_variants=[_variant(shadow) for shadow in props.shadows] or None,
        )
        self.resource = sagemaker.CfnEndpoint(
            self,
            "Default",
            endpoint_name=props.endpoint_name,
            endpoint_config_name=config.attr_endpoint_config_name,
        )
        # Deleted in the reverse order: the endpoint stops writing before its log group goes.
        self.resource.node.add_dependency(props.log_group)
        self.endpoint_name = self.resource.attr_endpoint_name
        self.endpoint_arn = self.resource.ref  # the Ref of an endpoint is its ARN
        self.config_name = config.attr_endpoint_config_name


def _variant(variant: EndpointVariant) -> _Variant:
    place = variant.runs_on
    if isinstance(place, OnDemand):
        return _Variant(
            variant_name=variant.name,
            model_name=variant.model_name,
            initial_variant_weight=variant.weight,
            serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
                memory_size_in_mb=place.memory_mb,
                max_concurrency=place.max_concurrency,
                provisioned_concurrency=place.provisioned_concurrency,
            ),
        )
    return _Variant(
        variant_name=variant.name,
        model_name=variant.model_name,
        initial_variant_weight=variant.weight,
        initial_instance_count=place.instance_count,
        instance_type=place.instance_type,
        container_startup_health_check_timeout_in_seconds=STARTUP_HEALTH_CHECK_TIMEOUT_S,
    )
