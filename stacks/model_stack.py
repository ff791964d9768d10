"""One model behind a real-time endpoint: `slipway-<stage>-<model>`."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.endpoint import CHAMPION, Endpoint, EndpointProps
from stacks.constructs.endpoint_alarms import EndpointAlarms, EndpointAlarmsProps
from stacks.constructs.endpoint_logs import EndpointLogs, EndpointLogsProps
from stacks.constructs.execution_role import ExecutionRole, ExecutionRoleProps
from stacks.constructs.image_table import ImageTable, ImageTableProps
from stacks.constructs.published_outputs import PublishedOutputs, PublishedOutputsProps
from stacks.constructs.served_model import ServedModel, ServedModelProps
from stacks.images import SKLEARN
from stacks.instances import takes_volume_key
from stacks.outputs import ModelOutputs, parameter_name
from stacks.settings import ModelSettings, StageSettings, stack_name
from stacks.tagging import tag
from training.artifact import Artifact


class ModelStack(cdk.Stack):
    """The artifact, the role, the model, its endpoint, logs and alarms.

    Raises:
        VersionMismatch: the artifact was trained with another scikit-learn than the image has.
        SettingsError: AWS has no such image in the stage's region or for that machine.
    """

    def __init__(
        self, scope: Construct, *, stage: StageSettings, model: ModelSettings, artifact: Artifact
    ) -> None:
        image, serve = SKLEARN, model.serve
        image.require_library(artifact)
        image.require_region(stage.region)
        image.require_processor(model.name, serve.instance_type)
        name = stack_name(stage.name, model.name)
        super().__init__(
            scope,
            name,
            env=cdk.Environment(account=stage.account, region=stage.region),
            description=f"Slipway {stage.name}: the model {model.name} on SageMaker",
        )
        tag(self, stage=stage.name, model=model.name, version=artifact.version)

        archive = s3_assets.Asset(self, "Artifact", path=str(artifact.archive))
        key_arn = (
            self._key_arn(stage.name)
            if stage.encryption == "kms" and takes_volume_key(serve.instance_type)
            else None
        )
        images = ImageTable(self, "Images", props=ImageTableProps(image=image))
        logs = EndpointLogs(
            self,
            "Logs",
            props=EndpointLogsProps(endpoint_name=name, retention_days=stage.log_retention_days),
        )
        role = ExecutionRole(
            self,
            "ExecutionRole",
            props=ExecutionRoleProps(
                artifact_arn=archive.bucket.arn_for_objects(archive.s3_object_key),
                repository_arn=images.repository_arn,
                log_group_arn=logs.log_group.log_group_arn,
                key_arn=key_arn,
            ),
        )
        served = ServedModel(
            self,
            "Model",
            props=ServedModelProps(
                artifact=artifact,
                archive_url=archive.s3_object_url,
                image_uri=images.image_uri,
                role=role.role,
            ),
        )
        endpoint = Endpoint(
            self,
            "Endpoint",
            props=EndpointProps(
                endpoint_name=name,
                model_name=served.model_name,
                instance_type=serve.instance_type,
                instance_count=serve.instance_count or stage.instance_count,
                key_arn=key_arn,
                log_group=logs.log_group,
            ),
        )
        EndpointAlarms(
            self,
            "Alarms",
            props=EndpointAlarmsProps(
                endpoint_name=name, variant_name=CHAMPION, latency_ms=stage.model_latency_alarm_ms
            ),
        )
        outputs = ModelOutputs(
            endpoint_name=endpoint.endpoint_name,
            endpoint_arn=endpoint.endpoint_arn,
            endpoint_config_name=endpoint.config_name,
            model_version=artifact.version,
            artifact_uri=archive.s3_object_url,
        )
        PublishedOutputs(
            self, "Outputs", props=PublishedOutputsProps(stage=stage.name, model=model.name, outputs=outputs)
        )

    def _key_arn(self, stage: str) -> str:
        """Read the shared key's ARN from its SSM parameter at deploy: no export, no lookup."""
        return cdk.CfnParameter(
            self,
            "KeyArn",
            type="AWS::SSM::Parameter::Value<String>",
            default=parameter_name(stage, "KeyArn"),
            description="The key of the shared stack",
        ).value_as_string
