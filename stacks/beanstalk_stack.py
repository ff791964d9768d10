"""One model on Elastic Beanstalk: `slipway-<stage>-<model>`."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.beanstalk_combinations import Placed, require_deployable, without_effect
from stacks.constructs.beanstalk_environment import BeanstalkEnvironment, BeanstalkEnvironmentProps
from stacks.constructs.environment_alarms import EnvironmentAlarms, EnvironmentAlarmsProps
from stacks.constructs.environment_cleanup import EnvironmentCleanup, EnvironmentCleanupProps
from stacks.constructs.instance_profile import InstanceProfile, InstanceProfileProps
from stacks.constructs.live_environment import LiveEnvironment, LiveEnvironmentProps
from stacks.constructs.own_image import OwnImage, OwnImageProps
from stacks.constructs.published_outputs import PublishedOutputs, PublishedOutputsProps
from stacks.constructs.service_role import ServiceRole, ServiceRoleProps
from stacks.containers import server_environment
from stacks.environment_options import Made, options_of
from stacks.outputs import BeanstalkOutputs
from stacks.platforms import platform_arn
from stacks.publishing import StageSynthesizer
from stacks.serve_settings import CHAMPION
from stacks.settings import ModelSettings, StageSettings, environment_name, stack_name
from stacks.shared_parameters import SharedParameters
from stacks.tagging import tag
from training.artifact import Artifact
from training.beanstalk_bundle import find_bundle

# The public name lives for a minute in caches; who asked just before that has half a minute more.
_DRAIN_S = 90
# How long an environment that is deployed may take to be healthy; on one machine the next look is soon.
_PATIENCE_S, _LOCAL_PATIENCE_S = 420, 30


class BeanstalkStack(cdk.Stack):
    """The image, the bundle with the model, and the environment that runs both.

    Args:
        scope: the app.
        root: the project's folder, where the bundle is.
        stage: where.
        model: the settings.
        artifact: what is served.

    Raises:
        SettingsError: the stage cannot have what the settings say.
        PackageMissing: the artifact's bundle was never built here.
        NoEngine: no container of ours can serve the model.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        root: Path,
        stage: StageSettings,
        model: ModelSettings,
        artifact: Artifact,
    ) -> None:
        require_deployable(stage, model)
        super().__init__(
            scope,
            stack_name(stage.name, model.name),
            env=cdk.Environment(account=stage.account, region=stage.region),
            description=f"Slipway {stage.name}: the model {model.name} on Elastic Beanstalk",
            synthesizer=StageSynthesizer(stage.name),
        )
        self._stage, self._model, self._artifact = stage, model, artifact
        self._name = environment_name(stage.name, model.name)
        self.model, self.s3_prefixes = model.name, model.serve.s3_prefixes
        tag(self, stage=stage.name, model=model.name, version=artifact.version)
        for key in without_effect(stage, model.serve):
            cdk.Annotations.of(self).add_info_v2(
                f"slipway:{key}", f"serve.{key} has no effect: the stage {stage.name} has a single machine"
            )
        placed, shared, image = Placed(stage, model.serve), SharedParameters(self, stage), self._image()
        made = Made(
            instance_profile=self._instance_profile(image, shared).profile_name,
            service_role=ServiceRole(
                self,
                "ServiceRole",
                props=ServiceRoleProps(environment_name_prefix=self._name, load_balanced=stage.load_balanced),
            ).role_arn,
            properties=self._properties(image),
            access_logs_bucket=shared.access_logs_bucket_name if stage.load_balanced else None,
        )
        platform = platform_arn(self.partition, self.region, model.serve.platform_version)
        options = options_of(placed, made)
        environment = BeanstalkEnvironment(
            self,
            "Environment",
            props=BeanstalkEnvironmentProps(
                application_name=self.stack_name,
                name=self._name,
                model=model.name,
                bundle=s3_assets.Asset(self, "Bundle", path=str(find_bundle(root, artifact, model))),
                version=artifact.version,
                platform_arn=platform,
                options=options,
            ),
        )
        cleanup = EnvironmentCleanup(
            self,
            "Cleanup",
            props=EnvironmentCleanupProps(
                application_name=environment.application_name,
                environment_name_prefix=self._name,
                retain_logs=stage.retain_data,
                log_retention_days=stage.log_retention_days,
                after=[environment.application],
            ),
        )
        # So it goes after the environment.
        environment.environment.add_resource_dependency(cleanup.resource)
        EnvironmentAlarms(
            self,
            "Alarms",
            props=EnvironmentAlarmsProps(model=model.name, environment_name=environment.environment_name),
        )
        domain_name = model.serve.domain_name if placed.certificate_arn else None
        live = LiveEnvironment(
            self,
            "LiveEnvironment",
            props=LiveEnvironmentProps(
                application_name=environment.application_name,
                environment_name_prefix=self._name,
                environment_name=environment.environment_name,
                version_label=environment.version_label,
                manifest=artifact.manifest,
                domain_name=domain_name,
                internal=model.serve.internal,
                patience_s=_LOCAL_PATIENCE_S if stage.name == "local" else _PATIENCE_S,
                drain_s=0 if stage.name == "local" else _DRAIN_S,
                log_retention_days=stage.log_retention_days,
                after=[environment.environment],
                options=options,
                platform_arn=platform,
            ),
        )
        outputs = BeanstalkOutputs(
            model_version=artifact.version,
            application_name=environment.application_name,
            environment_name=environment.environment_name,
            environment_url=live.url,
            environment_cname=live.cname,
            domain_name=domain_name,
        )
        PublishedOutputs(
            self, "Outputs", props=PublishedOutputsProps(stage=stage.name, model=model.name, outputs=outputs)
        )

    def _image(self) -> OwnImage | None:
        """Return the image from the registry; None where each machine builds it from the bundle."""
        if self._model.serve.resolved_package == "source":
            return None
        props = OwnImageProps(model=self._model, engine=self._artifact.engine)
        return OwnImage(self, "Image", props=props)

    def _instance_profile(self, image: OwnImage | None, shared: SharedParameters) -> InstanceProfile:
        serve = self._model.serve
        props = InstanceProfileProps(
            application_name=self.stack_name,
            environment_name_prefix=self._name,
            repository_arn=image.repository_arn if image else None,
            key_arn=shared.key_arn if serve.s3_prefixes else None,
            s3_prefixes=serve.s3_prefixes,
        )
        return InstanceProfile(self, "InstanceProfile", props=props)

    def _properties(self, image: OwnImage | None) -> dict[str, str]:
        """Return what Beanstalk writes beside docker-compose.yml, for it and for the container.

        What belongs to one version of the model is in its bundle: Beanstalk takes a failed version back, and
        would keep the properties that came with it.
        """
        told = server_environment(self._model.serve, CHAMPION, self.region)
        return told | ({"SLIPWAY_IMAGE": image.image_uri} if image else {})
