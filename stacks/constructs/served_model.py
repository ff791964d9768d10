"""An artifact together with the image that serves it: SageMaker's Model."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from training.artifact import Artifact

# When the container starts, the image's toolkit runs `pip install .` on the code folder, and pip fetches
# setuptools into a build environment of its own. Under network isolation it must take the image's setuptools
# instead and ask no index. "0" is no mistake: pip reads the value of a --no-… option as that of its opposite.
OFFLINE_INSTALL = {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_INDEX": "1"}
_LOG_LEVEL_INFO = "20"  # the number of Python's logging module


@dataclass(frozen=True, kw_only=True)
class ServedModelProps:
    """What a ServedModel needs to know."""

    artifact: Artifact
    archive_url: str
    """Where the archive is: s3://bucket/key; the key is a hash, so other bytes are another model."""
    image_uri: str
    role: iam.IRole


class ServedModel(Construct):
    """A Model that CloudFormation names: a change replaces it, and a fixed name would collide."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ServedModelProps) -> None:
        super().__init__(scope, construct_id)
        artifact = props.artifact
        environment = {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "SAGEMAKER_CONTAINER_LOG_LEVEL": _LOG_LEVEL_INFO,
            "SAGEMAKER_REGION": cdk.Stack.of(self).region,
            # SageMaker only unpacks the archive. The container checks the manifest against this, and every
            # file against the manifest, before it unpickles one.
            "SLIPWAY_MANIFEST_SHA256": artifact.manifest_sha256,
            "SLIPWAY_MODEL_VERSION": artifact.version,
        }
        # A model with requirements of its own has to reach a package index when it starts.
        isolated = not artifact.needs_install
        if isolated:
            environment |= OFFLINE_INSTALL
        self.resource = sagemaker.CfnModel(
            self,
            "Default",
            execution_role_arn=props.role.role_arn,
            enable_network_isolation=isolated,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=props.image_uri,
                model_data_url=props.archive_url,
                environment=environment,
            ),
        )
        self.resource.node.add_dependency(props.role)
        self.model_name = self.resource.attr_model_name
