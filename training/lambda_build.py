"""What a model's target needs built beside its artifact; synth then only reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stacks.settings import ModelSettings

from .artifact import Artifact
from .lambda_image import build_image_context
from .lambda_package import build_package


def build_for_target(
    root: Path,
    model: ModelSettings,
    artifact: Artifact,
    *,
    progress: Callable[[str], None] = lambda _line: None,
) -> None:
    """Build the package, or the build context of the image, of a model on Lambda; nothing for other targets.

    Without network, and at once, where nothing changed.

    Args:
        root: the project's folder.
        model: the settings; `target`, `package`, `architecture` and `model_source` decide.
        artifact: what is to be served.
        progress: is told what takes time.

    Raises:
        PackageFailed, PackageTooLarge, ToolMissing: it cannot be built; the artifact stays.
        NoEngine: no container of ours can serve the model.
    """
    if not model.serve.on_lambda:
        return
    if model.serve.package == "image":
        build_image_context(root, model, artifact, progress=progress)
    else:
        build_package(root, artifact, model.serve, progress=progress)
