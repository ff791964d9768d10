"""One model on Lambda behind API Gateway: `slipway-<stage>-<model>`."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from stacks.constructs.api_backend import LambdaBackend
from stacks.constructs.model_api import ModelApi, ModelApiProps
from stacks.constructs.model_function import ModelFunction, ModelFunctionProps
from stacks.constructs.published_outputs import PublishedOutputs, PublishedOutputsProps
from stacks.outputs import LambdaOutputs
from stacks.publishing import StageSynthesizer
from stacks.settings import ModelSettings, StageSettings, stack_name
from stacks.shared_parameters import SharedParameters
from stacks.tagging import tag
from training.artifact import Artifact


class LambdaStack(cdk.Stack):
    """The function with the model, a check of its newest version, the alias that moves to it, and the API.

    Args:
        scope: the app.
        root: the project's folder, where the packages are.
        stage: where.
        model: the settings.
        artifact: what is served.

    Raises:
        PackageMissing: the artifact was never packaged for Lambda here.
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
        super().__init__(
            scope,
            stack_name(stage.name, model.name),
            env=cdk.Environment(account=stage.account, region=stage.region),
            description=f"Slipway {stage.name}: the model {model.name} on Lambda",
            synthesizer=StageSynthesizer(stage.name),
        )
        self.model = model.name
        tag(self, stage=stage.name, model=model.name, version=artifact.version)
        shared = SharedParameters(self, stage)
        function = ModelFunction(
            self,
            "Function",
            props=ModelFunctionProps(root=root, stage=stage, model=model, artifact=artifact, shared=shared),
        )
        api = ModelApi(
            self,
            "Api",
            props=ModelApiProps(
                stage=stage,
                model=model,
                manifest=artifact.manifest,
                backend=LambdaBackend(function.alias),
            ),
        )
        outputs = LambdaOutputs(
            model_version=artifact.version,
            function_name=function.function_name,
            alias_name=function.alias.alias_name,
            api_url=api.url,
            api_auth=api.auth,
            api_key_id=api.key_id,
        )
        PublishedOutputs(
            self, "Outputs", props=PublishedOutputsProps(stage=stage.name, model=model.name, outputs=outputs)
        )
