"""An artifact together with the image that serves it: SageMaker's Model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct


@dataclass(frozen=True, kw_only=True)
class ServedModelProps:
    """What a ServedModel needs to know."""

    archive_url: str
    """Where the archive is: s3://bucket/key; the key is a hash, so other bytes are another model."""
    image_uri: str
    environment: Mapping[str, str]
    isolated: bool
    """Whether the container runs without any network."""
    role: iam.IRole


class ServedModel(Construct):
    """A Model that CloudFormation names: a change replaces it, and a fixed name would collide."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ServedModelProps) -> None:
        super().__init__(scope, construct_id)
        self.resource = sagemaker.CfnModel(
            self,
            "Default",
            execution_role_arn=props.role.role_arn,
            enable_network_isolation=props.isolated,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=props.image_uri,
                model_data_url=props.archive_url,
                environment=dict(props.environment),
            ),
        )
        self.resource.node.add_dependency(props.role)
        self.model_name = self.resource.attr_model_name
