"""The build context of a function's image, `.slipway/packages/image-<key>/`: laid out as model_code/ is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import PackageMissing

from .artifact import Artifact
from .packages import building, digest, model_files, packages_of

if TYPE_CHECKING:
    from stacks.settings import ModelSettings

_LEFT_OUT = (".pyc", ".DS_Store")


def find_image_context(root: Path, model: ModelSettings, artifact: Artifact) -> Path:
    """Return the build context that was made of an artifact.

    Args:
        root: the project's folder.
        model: the settings; its folder may hold a Dockerfile or a requirements.txt.
        artifact: the model that is in the image.

    Raises:
        PackageMissing: it was not made here, or what it is made of changed since.
        NoEngine: no container of ours can serve the model.
    """
    folder = _folder(root, _files(root, model, artifact))
    if not folder.is_dir():
        raise PackageMissing(
            f"{artifact.model} {artifact.version} has no build context for Lambda.",
            why="It is made after training, and again where the serving code or the model's folder changed.",
            fix=f"Run: slipway train {artifact.model}",
        )
    return folder


def build_image_context(
    root: Path,
    model: ModelSettings,
    artifact: Artifact,
    *,
    progress: Callable[[str], None] = lambda _line: None,
) -> Path:
    """Make the build context of an artifact's image, unless it is there: in one rename.

    Args:
        root: the project's folder.
        model: the settings.
        artifact: the model that is in the image.
        progress: is told what was made.

    Raises:
        NoEngine: no container of ours can serve the model.
    """
    files = _files(root, model, artifact)
    folder = _folder(root, files)
    if folder.is_dir():
        return folder
    with building(packages_of(root)) as staging:
        made = staging / folder.name
        for name, content in files.items():
            path = made / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if not folder.is_dir():  # another builder may have been first
            made.rename(folder)
    progress(f"made {folder.name}, the build context of {model.name}'s image for Lambda")
    return folder


def _folder(root: Path, files: dict[str, bytes]) -> Path:
    return packages_of(root) / f"image-{digest(files)}"


def _files(root: Path, model: ModelSettings, artifact: Artifact) -> dict[str, bytes]:
    """Return the context: serving/, the model folder's own files for the image, and model/, the archive."""
    serving = root / "model_code" / "serving"
    kinds = (artifact.engine, "s3", "lambda-runtime")
    own = model.folder / "Dockerfile"
    paths = [
        *(p for p in serving.rglob("*") if p.suffix != ".in" and not p.name.startswith("requirements-")),
        *(serving / f"requirements-{kind}.txt" for kind in kinds),
        # model.toml says how the image is run: another memory is no new image.
        *(p for p in (model.folder.rglob("*") if own.is_file() else ()) if p != model.folder / "model.toml"),
        *(p for p in (model.folder / "requirements.txt",) if p.is_file()),
    ]
    files = {
        p.relative_to(serving.parent).as_posix(): p.read_bytes()
        for p in paths
        if p.is_file() and not p.name.endswith(_LEFT_OUT)
    }
    if model.serve.model_source == "s3":
        return {**files, "model/in-s3.txt": b"This function has its model from S3.\n"}
    return {**files, **{f"model/{name}": content for name, content in model_files(artifact).items()}}
