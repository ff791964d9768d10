"""Small projects with real artifacts, and their synthesis in this process."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import app as slipway_app
from stacks.settings import stack_name
from stacks.template_reading import listed, rendered
from tests.synth.functions import put_package, without_hashes
from training.artifact import Artifact, write_artifact

ROOT = Path(__file__).resolve().parents[2]
FLAGS: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
GOLDEN = ROOT / "tests" / "golden"
cdk = slipway_app.cdk  # app.py chooses CDK's Node before it imports it; so this module leaves that to it
STAGES = ("local", "dev", "prod")
Templates = dict[str, dict[str, Any]]
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/01234567-89ab-cdef-0123-456789abcdef"
MODELS = ("iris", "digits", "diabetes", "wine", "iris_forest")
# What digits is in the demo after its first deploy, and the other forms of a function and of an environment;
# prod says most.
VARIATIONS: dict[str, dict[str, str]] = {
    "prod-shadow": {"digits.serve.variants": '[{name="champion",version="previous"},{name="shadow"}]'},
    "prod-serverless": {
        "digits.serve.variants": "[]",
        "digits.serve.target": "sagemaker-serverless",
    },
    "prod-function-s3": {
        "wine.serve.model_source": "s3",
        "wine.serve.architecture": "arm64",
        "wine.serve.snap_start": "true",
        "wine.serve.auth": "api_key",
        "wine.serve.quota_per_day": "1000",
        "wine.serve.subnet_ids": '["subnet-0123456789abcdef0"]',
        "wine.serve.security_group_ids": '["sg-0123456789abcdef0"]',
    },
    "prod-function-image": {
        "wine.serve.package": "image",
        "wine.serve.reserved_concurrency": "4",
        "wine.serve.provisioned_concurrency": "2",
        "wine.serve.cors_origins": '["https://www.example.com"]',
    },
    "prod-environment-vpc": {
        "iris_forest.serve.package": "source",
        "iris_forest.serve.vpc_id": "vpc-0123456789abcdef0",
        "iris_forest.serve.subnet_ids": '["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]',
        "iris_forest.serve.load_balancer_subnet_ids": '["subnet-11111111", "subnet-22222222"]',
        "iris_forest.serve.certificate_arn": CERTIFICATE,
        "iris_forest.serve.domain_name": "iris.example.com",
        "iris_forest.serve.deployment": "rolling",
    },
    "prod-front-door": {"iris.serve.front_door": "true", "iris.serve.auth": "api_key"},
}

SIGNATURE: dict[str, Any] = {
    "features": [
        {"name": "sepal_length", "type": "number", "minimum": 4.3, "maximum": 7.9, "unit": "cm"},
        {"name": "sepal_width", "type": "number", "minimum": 2.0, "maximum": 4.4, "unit": "cm"},
    ],
    "id_column": True,
    "prediction": {"name": "species", "type": "string", "classes": ["setosa", "virginica"]},
}
_MODEL_TOML = """
[model]
task = "classification"
data = "sklearn:iris"
label = "species"

[serve]
instance_type = "ml.m5.large"
"""


def make_project(root: Path, *models: str) -> Path:
    """Make a project with the repository's stages and serving code, and some models with an artifact each.

    All but iris are as in the repository. digits gets two artifacts, as after two imports.
    """
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "stages.toml", root)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "model_code" / "serving", root / "model_code" / "serving", ignore=ignored)
    for model in models or ("iris",):
        if model in MODELS[1:]:
            shutil.copytree(ROOT / "model_code" / model, root / "model_code" / model, ignore=ignored)
        if model == "diabetes":
            make_xgboost_artifact(root, model)
        elif model == "digits":
            make_artifact(root, model, b"older", joblib=False)
            make_artifact(root, model, b"newer", joblib=False)
        elif model in ("wine", "iris_forest"):
            make_artifact(root, model, joblib=False)
            put_package(root, model)
        else:
            write_toml(root, model, _MODEL_TOML)
            (root / "model_code" / model / "train.py").touch()
            make_artifact(root, model)
    return root


def write_toml(root: Path, model: str, text: str) -> None:
    folder = root / "model_code" / model
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.toml").write_text(text, encoding="utf-8")


def make_artifact(
    root: Path,
    model: str,
    content: bytes = b"a model",
    *,
    scikit_learn: str = "1.9.0",
    engine: str = "onnx",
    joblib: bool = True,
    extra: Mapping[str, bytes] | None = None,
) -> Artifact:
    files = {"model.onnx": content, "code/inference.py": b"# serves\n", **(extra or {})}
    if joblib:
        files["model.joblib"] = content
    manifest = {
        "format": 1,
        "model": model,
        "signature": SIGNATURE,
        "golden": {"rows": [[5.1, 3.5], [6.5, 3.0]], "predictions": ["setosa", "virginica"]},
        "versions": {"scikit-learn": scikit_learn} if joblib else {},
        "engine": {
            "name": engine,
            "file": f"model.{engine}",
            "reason": "it is what there is",
            "probabilities": True,
        },
    }
    return write_artifact(root, model, files, manifest)


def make_xgboost_artifact(
    root: Path,
    model: str,
    *,
    xgboost: str = "3.2.0",
    validation: Mapping[str, float] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Artifact:
    """Make what a training leaves for AWS's built-in image; it measured `validation` on those rows."""
    feature = {"name": "bmi", "type": "number", "minimum": -1.0, "maximum": 1.0}
    manifest = {
        "format": 1,
        "versions": {"xgboost": xgboost},
        "engine": {"name": "xgboost", "file": "model.ubj", "reason": "it is what there is"},
        "signature": {"features": [feature], "prediction": {"name": "progression", "type": "number"}},
        "validation": dict(validation or {"train:rmse": 20.5, "validation:rmse": 57.25}),
    }
    return write_artifact(root, model, files or {"xgboost-model": b"a Booster", "code/x.py": b""}, manifest)


def build(root: Path, out: Path, **context: str) -> cdk.App:
    app = cdk.App(analytics_reporting=False, outdir=str(out), context={**FLAGS, **_dotted(context)})
    slipway_app.build(app, root)
    return app


def synthesize(root: Path, out: Path, **context: str) -> Templates:
    """Return the templates by stack. `iris__serve__x` in the arguments stands for `iris.serve.x`."""
    build(root, out, **context).synth()
    return read_templates(out)


def read_templates(out: Path) -> Templates:
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(out.glob("*.template.json"))
    }


def kind_of(stack: str) -> Literal["shared", "model"]:
    return "shared" if stack in {f"slipway-{stage}" for stage in STAGES} else "model"


def every(template: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the resources of a type, in the order of their logical ids."""
    return [resource for _, resource in sorted(template["Resources"].items()) if resource["Type"] == kind]


def only(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the one resource of a type."""
    (found,) = every(template, kind)
    return found


def role(template: Mapping[str, Any], construct: str = "ExecutionRole") -> dict[str, Any]:
    """Return the role whose logical id begins with a construct's name; a hash follows."""
    found: list[dict[str, Any]] = [
        resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and re.fullmatch(f"{construct}[0-9A-F]{{8}}", name)
    ]
    (only_one,) = found
    return only_one


def machine(template: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the definition of the machine with a logical id."""
    definition: dict[str, Any] = json.loads(template["Resources"][name]["Properties"]["DefinitionString"])
    return definition


def rights(template: Mapping[str, Any], construct: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what a role may do: the condition of every action on every resource."""
    return {
        (action, rendered(resource)): statement.get("Condition", {})
        for policy in role(template, construct)["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
        for resource in (
            statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        )
    }


def normalised(template: Mapping[str, Any]) -> str:
    """Return a template as text, without what follows from a model's bytes."""
    text = json.dumps(template, indent=1, sort_keys=True) + "\n"
    versions = json.loads(template["Outputs"].get("Variants", {}).get("Value", "{}"))
    versions = versions or {"model": template["Outputs"].get("ModelVersion", {}).get("Value", "no version")}
    text = re.sub(r"[0-9a-f]{64}", "SHA256", without_hashes(text))
    # The page of a front door, and the deployment whose name is a hash of it.
    text = re.sub(r"base64Decode\('[^']+'\)", "base64Decode('PAGE')", text)
    text = re.sub(r"(RestDeployment[0-9A-F]{8})[0-9a-f]{32}", r"\1HASH", text)
    text = re.sub(r"sha256-[A-Za-z0-9+/]{43}=", "sha256-HASH", text)
    for name, version in versions.items():
        text = text.replace(version, f"VERSION-OF-{name.upper()}")
    return text


def golden_path(scenario: str, stack: str) -> Path:
    return GOLDEN / scenario / f"{stack}.template.json"


def golden_templates(root: Path) -> dict[str, Templates]:
    """Return what is kept under tests/golden/, by folder, from a project with the models of MODELS."""
    found = {stage: synthesize(root, root / "out" / stage, stage=stage) for stage in STAGES}
    for variation, context in VARIATIONS.items():
        stage, _, _ = variation.partition("-")
        model = next(iter(context)).partition(".")[0]
        if model in ("wine", "iris_forest"):
            put_package(root, model, **{key.rpartition(".")[2]: value for key, value in context.items()})
        out = root / "out" / variation
        stack = stack_name(stage, model)
        found[variation] = {stack: synthesize(root, out, stage=stage, models=model, **context)[stack]}
    return found


def _dotted(context: Mapping[str, str]) -> dict[str, str]:
    return {key.replace("__", "."): value for key, value in context.items()}
