"""The CDK app: which stacks there are. `cdk synth`, `cdk diff`, `cdk deploy` and `cdk destroy` start here."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path

# CDK's kernel runs on Node. The project's environment has a supported one; what is on PATH may be anything.
_NODE = Path(sys.executable).parent / "jsii-node"
if _NODE.exists():
    os.environ.setdefault("JSII_NODE", str(_NODE))
if __name__ == "__main__":
    gc.disable()  # the process lives for two seconds and frees nothing; looking for garbage takes 4 % of them

import aws_cdk as cdk

from slipway.errors import SlipwayError
from stacks.model_stack import ModelStack
from stacks.serve_settings import CHAMPION
from stacks.settings import ModelSettings, StageSettings, load_settings
from stacks.shared_stack import SharedStack
from stacks.validation import add_checks
from training.artifact import Artifact, load_artifact

_CHECKS_FAILED = 3


def build(app: cdk.App, root: Path) -> None:
    """Add the stage's shared stack, and a stack for each model.

    Args:
        app: the app; its context holds the stage and the overrides.
        root: the project's folder.

    Raises:
        SlipwayError: a setting is wrong, or a model has no artifact that can be deployed.
    """
    settings = load_settings(root, app.node.get_all_context())
    artifacts = [
        {
            variant.name: load_artifact(root, model.name, variant.version)
            for variant in model.serve.resolved_variants()
        }
        for model in settings.models
    ]
    shared = SharedStack(app, stage=settings.stage)
    for model, versions in zip(settings.models, artifacts, strict=True):
        # A model's stack needs repository and parameters of the shared one, and is destroyed before it.
        _add_model(app, root, settings.stage, model, versions).add_stack_dependency(shared)
    nag = settings.stage.name == "prod" or app.node.try_get_context("nag") == "true"
    add_checks(app, settings.stage.name, nag=nag)


def _add_model(
    app: cdk.App, root: Path, stage: StageSettings, model: ModelSettings, artifacts: Mapping[str, Artifact]
) -> cdk.Stack:
    if model.serve.on_sagemaker:
        return ModelStack(app, stage=stage, model=model, artifacts=artifacts)
    if model.serve.on_beanstalk:
        from stacks.beanstalk_stack import BeanstalkStack  # what few models need is imported for them alone

        return BeanstalkStack(app, root=root, stage=stage, model=model, artifact=artifacts[CHAMPION])
    from stacks.lambda_stack import LambdaStack  # Lambda and API Gateway of CDK import slowly

    return LambdaStack(app, root=root, stage=stage, model=model, artifact=artifacts[CHAMPION])


def main() -> None:
    """Synthesize into the folder that `cdk` asks for; a mistake of the person's ends in a few lines."""
    app = cdk.App(analytics_reporting=False)
    try:
        build(app, Path(__file__).resolve().parent)
    except SlipwayError as error:
        lines = [
            f"{error.code}  {error.what}",
            error.why and f"  why  {error.why}",
            error.fix and f"  fix  {error.fix}",
        ]
        print("\n".join(line for line in lines if line), file=sys.stderr)
        sys.exit(error.exit_code)
    try:
        app.synth()
    except RuntimeError as error:
        if "ValidationFailed" not in str(error):
            raise
        sys.exit(_CHECKS_FAILED)  # CDK has told the findings


if __name__ == "__main__":
    main()
