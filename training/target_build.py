"""What a model's target needs built beside its artifact; synth then only reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stacks.settings import ModelSettings

from .artifact import Artifact
from .beanstalk_bundle import build_bundle
from .lambda_image import build_image_context
from .lambda_package import build_package


def build_for_target(
    root: Path,
    model: ModelSettings,
    artifact: Artifact,
    *,
    progress: Callable[[str], None] = lambda _line: None,
) -> None:
    """Build the package or build context of a model on Lambda, or the source bundle of one on Beanstalk.

    Nothing for SageMaker. Without network, and at once, where nothing changed.

    Args:
        root: the project's folder.
        model: the settings; `target`, `package`, `architecture` and `model_source` decide.
        artifact: what is to be served.
        progress: is told what takes time.

    Raises:
        PackageFailed, PackageTooLarge, ToolMissing: it cannot be built; the artifact stays.
        NoEngine: no container of ours can serve the model.
    """
    if model.serve.on_beanstalk:
        build_bundle(root, artifact, model, progress=progress)
    elif not model.serve.on_lambda:
        return
    elif model.serve.resolved_package == "image":
        build_image_context(root, model, artifact, progress=progress)
    else:
        build_package(root, artifact, model.serve, progress=progress)
