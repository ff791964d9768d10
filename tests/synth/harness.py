"""Small projects with real artifacts, and their synthesis in this process."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import app as slipway_app
from training.artifact import Artifact, write_artifact

ROOT = Path(__file__).resolve().parents[2]
FLAGS: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
GOLDEN = ROOT / "tests" / "golden"
cdk = slipway_app.cdk  # app.py chooses CDK's Node before it imports it; so this module leaves that to it
STAGES = ("local", "dev", "prod")
Templates = dict[str, dict[str, Any]]

_MODEL_TOML = """
[model]
task = "classification"
data = "sklearn:iris"
label = "species"

[serve]
instance_type = "ml.m5.large"
"""


def make_project(root: Path, *models: str) -> Path:
    """Make a project with the repository's stages and some models with an artifact each."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "stages.toml", root)
    for model in models or ("iris",):
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
    extra: Mapping[str, bytes] | None = None,
) -> Artifact:
    files = {"model.joblib": content, "code/inference.py": b"# serves\n", **(extra or {})}
    return write_artifact(root, model, files, {"format": 1, "versions": {"scikit-learn": scikit_learn}})


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


def only(template: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the one resource of a type."""
    (found,) = (resource for resource in template["Resources"].values() if resource["Type"] == kind)
    return found


def normalised(template: Mapping[str, Any]) -> str:
    """Return a template as text, without what follows from a model's bytes."""
    text = json.dumps(template, indent=1, sort_keys=True) + "\n"
    versions = re.findall(r'"ModelVersion": \{\s*"Value": "([0-9a-f]{12})"', text)
    for version in versions:
        text = text.replace(version, "VERSION")
    return re.sub(r"[0-9a-f]{64}", "SHA256", text)


def golden_path(stage: str, stack: str) -> Path:
    return GOLDEN / stage / f"{stack}.template.json"


def _dotted(context: Mapping[str, str]) -> dict[str, str]:
    return {key.replace("__", "."): value for key, value in context.items()}
