"""Models on Lambda and Beanstalk, with packages of the right names: synth reads no more of them."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

from stacks.settings import load_model, parse_override
from training.artifact import load_artifact
from training.beanstalk_bundle import build_bundle
from training.lambda_image import build_image_context
from training.lambda_package import paths_of


def put_package(root: Path, model: str, **overrides: str) -> None:
    """Put the package of a model's latest artifact where synth looks for it; nothing for SageMaker.

    Args:
        root: the project's folder.
        model: which.
        overrides: of [serve], as a command line has them; what is packed depends on some.
    """
    settings = load_model(root, model, {f"serve.{k}": parse_override(v) for k, v in overrides.items()})
    if settings.serve.on_sagemaker:
        return
    artifact = load_artifact(root, model)
    if settings.serve.on_beanstalk:
        build_bundle(root, artifact, settings)
        return
    if settings.serve.resolved_package == "image":
        build_image_context(root, settings, artifact)
        return
    package = paths_of(root, artifact, settings.serve)
    for path, name in ((package.code, "serving/__init__.py"), (package.layer, "python/numpy.py")):
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as file:
            # A zip file holds times: these bytes have to be the same in every run.
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), b"")


def without_hashes(text: str) -> str:
    """Return a template's text without what follows from the code of its function."""
    return re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1HASH", text)


def resource(template: dict[str, Any], construct: str) -> dict[str, Any]:
    """Return the resource whose logical id is a construct's path with the hash that CDK adds."""
    (found,) = [
        resource
        for name, resource in template["Resources"].items()
        if re.fullmatch(f"{construct}[0-9A-F]{{8}}", name)
    ]
    body: dict[str, Any] = found
    return body
