"""One API alone in a stack, before a function that is somewhere else."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_

from stacks.constructs.api_backend import LambdaBackend
from stacks.constructs.model_api import ModelApi, ModelApiProps
from stacks.settings import load_model, load_stage
from tests.synth.harness import FLAGS, SIGNATURE, make_project

ALIAS = "arn:aws:lambda:eu-west-1:123456789012:function:wine:live"
CLASSES: Mapping[str, Any] = {"model": "wine", "signature": SIGNATURE, "engine": {"probabilities": True}}
NUMBERS: Mapping[str, Any] = {
    "model": "wine",
    "signature": {**SIGNATURE, "prediction": {"name": "price", "type": "number"}},
    "engine": {},
}


def api_template(
    stage: str = "prod", *, manifest: Mapping[str, Any] = CLASSES, **serve: Any
) -> dict[str, Any]:
    """Return the template of an API.

    Args:
        stage: of the repository's stages.toml.
        manifest: the model's.
        serve: keys of [serve].
    """
    with tempfile.TemporaryDirectory() as folder:
        root = make_project(Path(folder) / "project")
        settings = {"serve.target": "lambda", **{f"serve.{key}": value for key, value in serve.items()}}
        model = load_model(root, "iris", settings)
        app = cdk.App(analytics_reporting=False, outdir=f"{folder}/out", context=FLAGS)
        stack = cdk.Stack(app, "Stack")
        alias = lambda_.Function.from_function_arn(stack, "Alias", ALIAS)
        props = ModelApiProps(
            stage=load_stage(root, stage), model=model, manifest=manifest, backend=LambdaBackend(alias)
        )
        api = ModelApi(stack, "Api", props=props)
        cdk.CfnOutput(stack, "ApiUrl", value=api.url)
        cdk.CfnOutput(stack, "ApiAuth", value=api.auth)
        app.synth()
        template: dict[str, Any] = json.loads(Path(f"{folder}/out/Stack.template.json").read_text())
        return template


def methods(template: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the methods of a template's API, by verb and path."""
    resources = template["Resources"]
    paths = {
        name: f"/{resource['Properties']['PathPart']}"
        for name, resource in resources.items()
        if resource["Type"] == "AWS::ApiGateway::Resource"
    }
    return {
        (properties["HttpMethod"], paths.get(properties["ResourceId"].get("Ref"), "/")): properties
        for resource in resources.values()
        if resource["Type"] == "AWS::ApiGateway::Method"
        for properties in [resource["Properties"]]
    }
