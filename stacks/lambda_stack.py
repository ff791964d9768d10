"""One model on Lambda behind API Gateway: `slipway-<stage>-<model>`."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from stacks.constructs.api_backend import LambdaBackend
from stacks.constructs.function_alarms import FunctionAlarms, FunctionAlarmsProps
from stacks.constructs.golden_check import GoldenCheck, GoldenCheckProps
from stacks.constructs.model_api import ModelApi, ModelApiProps
from stacks.constructs.model_function import ModelFunction, ModelFunctionProps
from stacks.constructs.model_in_bucket import ModelInBucket, ModelInBucketProps
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
        self._stage, self._artifact = stage, artifact
        self.model = model.name
        tag(self, stage=stage.name, model=model.name, version=artifact.version)
        shared = SharedParameters(self, stage)
        function = ModelFunction(
            self,
            "Function",
            props=ModelFunctionProps(root=root, stage=stage, model=model, artifact=artifact, shared=shared),
        )
        self._check(function, shared)
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
        FunctionAlarms(
            self,
            "FunctionAlarms",
            props=FunctionAlarmsProps(model=model.name, function_name=function.function_name),
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

    def _check(self, function: ModelFunction, shared: SharedParameters) -> None:
        """Have the alias wait for golden rows, and for the pointer where the model is in the bucket."""
        days = self._stage.log_retention_days
        stored = None
        if not function.has_model:
            stored = ModelInBucket(
                self,
                "Model",
                props=ModelInBucketProps(
                    artifact=self._artifact,
                    shared=shared,
                    retain=self._stage.retain_data,
                    log_retention_days=days,
                ),
            )
        check = GoldenCheck(
            self,
            "GoldenCheck",
            props=GoldenCheckProps(
                version=function.version,
                function_arn=function.function.function_arn,
                log_retention_days=days,
                candidate=stored.pointer if stored else None,
                after=[stored.archive] if stored else [],
            ),
        )
        function.alias.node.add_dependency(stored.put_in_force(check.passed) if stored else check.passed)
