"""A real-time endpoint and its configuration."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.instances import takes_volume_key

# A variant's name is a role and never a version: an update needs the same names before and after, and alarms,
# scaling and weights hang on them.
CHAMPION = "champion"
# Loading scikit-learn and a model takes seconds; AWS allows 60 to 3600 s.
STARTUP_HEALTH_CHECK_TIMEOUT_S = 300


@dataclass(frozen=True, kw_only=True)
class EndpointProps:
    """What an Endpoint needs to know."""

    endpoint_name: str
    """The name: [a-z0-9-], 63 characters at most."""
    model_name: str
    instance_type: str
    instance_count: int
    key_arn: str | None
    """Encrypt the machines' disks with this key, where the machines take one."""
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
            kms_key_id=props.key_arn if takes_volume_key(props.instance_type) else None,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=CHAMPION,
                    model_name=props.model_name,
                    initial_variant_weight=1.0,
                    initial_instance_count=props.instance_count,
                    instance_type=props.instance_type,
                    container_startup_health_check_timeout_in_seconds=STARTUP_HEALTH_CHECK_TIMEOUT_S,
                )
            ],
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
