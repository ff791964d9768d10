"""One model behind an endpoint: `slipway-<stage>-<model>`."""

from __future__ import annotations

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.endpoint import Endpoint, EndpointProps, EndpointVariant, Machines, OnDemand
from stacks.constructs.endpoint_alarms import EndpointAlarms, EndpointAlarmsProps
from stacks.constructs.endpoint_logs import EndpointLogs, EndpointLogsProps
from stacks.constructs.execution_role import ExecutionRole, ExecutionRoleProps
from stacks.constructs.image_table import ImageTable, ImageTableProps
from stacks.constructs.own_image import OwnImage, OwnImageProps
from stacks.constructs.published_outputs import PublishedOutputs, PublishedOutputsProps
from stacks.constructs.served_model import ServedModel, ServedModelProps
from stacks.containers import environment_of, is_isolated
from stacks.images import SKLEARN
from stacks.instances import takes_volume_key
from stacks.outputs import ModelOutputs, parameter_name, written_variants, written_wire_format
from stacks.publishing import StageSynthesizer
from stacks.servable import require_servable
from stacks.serve_settings import CHAMPION, Variant
from stacks.settings import ModelSettings, StageSettings, endpoint_name, stack_name
from stacks.tagging import tag, tag_version
from training.artifact import Artifact


class ModelStack(cdk.Stack):
    """The artifacts, the role, a model for each variant, their endpoint, logs and alarms.

    Args:
        scope: the app.
        stage: where.
        model: the settings.
        artifacts: what each variant serves, by the variant's name.

    Raises:
        SettingsError, VersionMismatch, NoEngine: what require_servable refuses.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        stage: StageSettings,
        model: ModelSettings,
        artifacts: Mapping[str, Artifact],
    ) -> None:
        require_servable(stage, model, artifacts)
        super().__init__(
            scope,
            stack_name(stage.name, model.name),
            env=cdk.Environment(account=stage.account, region=stage.region),
            description=f"Slipway {stage.name}: the model {model.name} on SageMaker",
            synthesizer=StageSynthesizer(stage.name),
        )
        self._stage, self._model, self._artifacts = stage, model, artifacts
        self.s3_prefixes = model.serve.s3_prefixes
        tag(self, stage=stage.name, model=model.name, version=artifacts[CHAMPION].version)

        variants = model.serve.resolved_variants()
        answering = [variant for variant in variants if not variant.is_shadow]
        name = endpoint_name(stage.name, model)
        key_arn = self._volume_key_arn(variants)
        self._archives = {
            variant.name: s3_assets.Asset(
                self, _id("Artifact", variant), path=str(artifacts[variant.name].archive)
            )
            for variant in variants
        }
        self._images = self._make_images()
        # A serverless endpoint is another one, and so is what it waits for: neither takes over a logical id.
        mode = "Serverless" if model.serve.serverless else ""
        logs = EndpointLogs(
            self,
            f"{mode}Logs",
            props=EndpointLogsProps(endpoint_name=name, retention_days=stage.log_retention_days),
        )
        role = ExecutionRole(
            self,
            "ExecutionRole",
            props=ExecutionRoleProps(
                artifact_arns=list(dict.fromkeys(map(_object_arn, self._archives.values()))),
                repository_arn=self._images[CHAMPION].repository_arn,
                log_group_arn=logs.log_group.log_group_arn,
                key_arn=key_arn,
                s3_prefixes=model.serve.s3_prefixes,
            ),
        ).role
        served = {variant.name: self._serve(variant, role) for variant in variants}
        endpoint = Endpoint(
            self,
            f"{mode}Endpoint",
            props=EndpointProps(
                endpoint_name=name,
                variants=[served[variant.name] for variant in answering],
                shadows=[served[variant.name] for variant in variants if variant.is_shadow],
                key_arn=key_arn,
                log_group=logs.log_group,
            ),
        )
        for variant in answering:
            EndpointAlarms(
                self,
                _id("Alarms", variant),
                props=EndpointAlarmsProps(
                    endpoint_name=name, variant_name=variant.name, latency_ms=stage.model_latency_alarm_ms
                ),
            )
        outputs = ModelOutputs(
            endpoint_name=endpoint.endpoint_name,
            endpoint_arn=endpoint.endpoint_arn,
            endpoint_config_name=endpoint.config_name,
            model_version=artifacts[CHAMPION].version,
            artifact_uri=self._archives[CHAMPION].s3_object_url,
            variants=written_variants({name: artifact.version for name, artifact in artifacts.items()}),
            wire_format=written_wire_format(artifacts[CHAMPION].manifest["signature"])
            if model.serve.image == "xgboost"
            else None,
        )
        PublishedOutputs(
            self, "Outputs", props=PublishedOutputsProps(stage=stage.name, model=model.name, outputs=outputs)
        )

    def _make_images(self) -> dict[str, ImageTable | OwnImage]:
        """Return the image of each variant; those with the same engine share one."""
        if self._model.serve.image == "sklearn":
            table = ImageTable(self, "Images", props=ImageTableProps(image=SKLEARN))
            return dict.fromkeys(self._artifacts, table)
        engines = {name: artifact.engine for name, artifact in self._artifacts.items()}
        images = {
            engine: OwnImage(
                self, f"Image{engine.title()}", props=OwnImageProps(model=self._model, engine=engine)
            )
            for engine in dict.fromkeys(engines.values())
        }
        return {name: images[engine] for name, engine in engines.items()}

    def _serve(self, variant: Variant, role: iam.IRole) -> EndpointVariant:
        """Make a variant's model, and say how the endpoint runs it."""
        serve, artifact = self._model.serve, self._artifacts[variant.name]
        model = ServedModel(
            self,
            _id("Model", variant),
            props=ServedModelProps(
                archive_url=self._archives[variant.name].s3_object_url,
                image_uri=self._images[variant.name].image_uri,
                environment=environment_of(serve, variant, artifact, self.region),
                isolated=is_isolated(serve, artifact),
                role=role,
            ),
        )
        tag_version(model, artifact.version)
        return EndpointVariant(
            name=variant.name,
            model_name=model.model_name,
            weight=variant.weight,
            runs_on=OnDemand(
                memory_mb=serve.memory_mb,
                max_concurrency=serve.max_concurrency,
                provisioned_concurrency=serve.provisioned_concurrency,
            )
            if variant.instance_type is None
            else Machines(
                instance_type=variant.instance_type,
                instance_count=variant.instance_count or self._stage.instance_count,
            ),
        )

    def _volume_key_arn(self, variants: tuple[Variant, ...]) -> str | None:
        """Read the shared key's ARN from its SSM parameter at deploy: no export, no lookup.

        None where the stage has no key, the endpoint is serverless, or the machines of one variant take none:
        AWS refuses a configuration with a key then.
        """
        machines = [variant.instance_type for variant in variants]
        if self._stage.encryption != "kms" or not all(
            machine and takes_volume_key(machine) for machine in machines
        ):
            return None
        return cdk.CfnParameter(
            self,
            "KeyArn",
            type="AWS::SSM::Parameter::Value<String>",
            default=parameter_name(self._stage.name, "KeyArn"),
            description="The key of the shared stack",
        ).value_as_string


def _id(kind: str, variant: Variant) -> str:
    """Return the id of a construct that every variant has; the champion's is without its name."""
    return kind if variant.name == CHAMPION else f"{kind}{variant.name.title()}"


def _object_arn(archive: s3_assets.Asset) -> str:
    return archive.bucket.arn_for_objects(archive.s3_object_key)
