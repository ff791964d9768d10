"""One model behind an endpoint: `slipway-<stage>-<model>`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.batch_pipeline import BatchPipeline, BatchPipelineProps
from stacks.constructs.endpoint import Endpoint, EndpointProps, EndpointVariant, Machines, OnDemand
from stacks.constructs.endpoint_alarms import EndpointAlarms, EndpointAlarmsProps
from stacks.constructs.endpoint_logs import EndpointLogs, EndpointLogsProps
from stacks.constructs.execution_role import ExecutionRole, ExecutionRoleProps
from stacks.constructs.image_table import ImageTable, RegistryImage
from stacks.constructs.model_registry import ModelRegistry, ModelRegistryProps
from stacks.constructs.own_image import OwnImage, OwnImageProps
from stacks.constructs.published_outputs import PublishedOutputs, PublishedOutputsProps
from stacks.constructs.served_model import ServedModel, ServedModelProps
from stacks.constructs.training_pipeline import TrainingPipeline, TrainingPipelineProps
from stacks.containers import environment_of, is_isolated
from stacks.images import PREBUILT
from stacks.instances import takes_volume_key
from stacks.outputs import ModelOutputs, written_variants, written_wire_format
from stacks.publishing import StageSynthesizer
from stacks.servable import require_servable
from stacks.serve_settings import CHAMPION, Variant
from stacks.settings import ModelSettings, StageSettings, endpoint_name, stack_name
from stacks.shared_parameters import SharedParameters
from stacks.tagging import tag, tag_version
from stacks.training_job import can_train_on_sagemaker, training_image
from training.artifact import Artifact

if TYPE_CHECKING:
    from stacks.constructs.model_api import ModelApi


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
        self.model, self.s3_prefixes = model.name, model.serve.s3_prefixes
        tag(self, stage=stage.name, model=model.name, version=artifacts[CHAMPION].version)

        variants = model.serve.resolved_variants()
        answering = [variant for variant in variants if not variant.is_shadow]
        name = endpoint_name(stage.name, model)
        shared = SharedParameters(self, stage)
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
                key_arn=shared.key_arn,
                bucket_name=shared.bucket_name,
                model=model.name,
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
                key_arn=shared.key_arn if _take_a_key(variants) else None,
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
        registry = ModelRegistry(
            self,
            "Registry",
            props=ModelRegistryProps(
                name=stack_name(stage.name, model.name),
                model=model.name,
                log_retention_days=stage.log_retention_days,
            ),
        )
        batch = BatchPipeline(
            self,
            "Batch",
            props=BatchPipelineProps(
                stage=stage,
                model=model,
                model_name=served[CHAMPION].model_name,
                bucket_name=shared.bucket_name,
                key_arn=shared.key_arn,
            ),
        )
        training = self._training_pipeline(shared, registry)
        api = self._front_door(endpoint) if model.serve.front_door else None
        outputs = ModelOutputs(
            model_name=served[CHAMPION].model_name,
            model_package_group_name=registry.group_name,
            batch_state_machine_arn=batch.arn,
            training_state_machine_arn=training.arn if training else None,
            endpoint_name=endpoint.endpoint_name,
            endpoint_arn=endpoint.endpoint_arn,
            endpoint_config_name=endpoint.config_name,
            model_version=artifacts[CHAMPION].version,
            artifact_uri=self._archives[CHAMPION].s3_object_url,
            variants=written_variants({name: artifact.version for name, artifact in artifacts.items()}),
            wire_format=written_wire_format(artifacts[CHAMPION].manifest["signature"])
            if model.serve.image == "xgboost"
            else None,
            api_url=api.url if api else None,
            api_auth=api.auth if api else None,
            api_key_id=api.key_id if api else None,
        )
        PublishedOutputs(
            self, "Outputs", props=PublishedOutputsProps(stage=stage.name, model=model.name, outputs=outputs)
        )

    def _make_images(self) -> dict[str, RegistryImage | OwnImage]:
        """Return the image of each variant; those with the same engine share one."""
        if image := PREBUILT.get(self._model.serve.image):
            return dict.fromkeys(self._artifacts, self._prebuilt.find(image))
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
                memory_mb=serve.resolved_memory_mb,
                max_concurrency=serve.max_concurrency,
                provisioned_concurrency=serve.provisioned_concurrency,
            )
            if variant.instance_type is None
            else Machines(
                instance_type=variant.instance_type,
                instance_count=variant.instance_count or self._stage.instance_count,
            ),
        )

    def _front_door(self, endpoint: Endpoint) -> ModelApi:
        from stacks.constructs.front_door import front_door  # API Gateway of CDK imports slowly

        champion = self._artifacts[CHAMPION]
        return front_door(
            self, "Api", stage=self._stage, model=self._model, champion=champion, endpoint=endpoint
        )

    def _training_pipeline(
        self, shared: SharedParameters, registry: ModelRegistry
    ) -> TrainingPipeline | None:
        image = training_image(self._model)
        if not can_train_on_sagemaker(self._model) or not image.published_in(self._stage.region):
            return None
        return TrainingPipeline(
            self,
            "Training",
            props=TrainingPipelineProps(
                stage=self._stage,
                model=self._model,
                bucket_name=shared.bucket_name,
                key_arn=shared.key_arn,
                image_uri=self._prebuilt.find(image).image_uri,
                training_role_arn=shared.training_role_arn,
                registry=registry,
                in_service=self._artifacts[CHAMPION].manifest.get("validation", {}),
            ),
        )

    @cached_property
    def _prebuilt(self) -> ImageTable:
        return ImageTable(self, "Images")


def _take_a_key(variants: Sequence[Variant]) -> bool:
    """Return whether the endpoint's disks can be encrypted: AWS refuses a key where one variant takes none.

    Those that do not are serverless variants, and machines whose own disks have their own keys.
    """
    return all(variant.instance_type and takes_volume_key(variant.instance_type) for variant in variants)


def _id(kind: str, variant: Variant) -> str:
    """Return the id of a construct that every variant has; the champion's is without its name."""
    return kind if variant.name == CHAMPION else f"{kind}{variant.name.title()}"


def _object_arn(archive: s3_assets.Asset) -> str:
    return archive.bucket.arn_for_objects(archive.s3_object_key)
