"""The source bundle of a model on Elastic Beanstalk: built after training, only read by synth.

The platform is "Docker running on 64bit Amazon Linux 2023", which runs the bundle's docker-compose.yml. What
is in a bundle and why: docs/decisions/0020-beanstalk-bundle.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import PackageMissing, PackageTooLarge

from .artifact import Artifact
from .build_context import server_context
from .packages import MAKERS, building, digest, in_mb, model_files, packages_of
from .zip_files import write_zip

if TYPE_CHECKING:
    from stacks.settings import ModelSettings

# "Create an Elastic Beanstalk application source bundle", developer guide.
MAX_BUNDLE_BYTES = 500 * 1024 * 1024
_TEMPLATES = Path(__file__).with_name("beanstalk_files")
_COMPOSE = "docker-compose.yml"
# All must be executable; those of confighooks/ run where only the environment's properties changed, the
# image's name among them: "Platform hooks", developer guide.
_HOOKS = tuple(f".platform/{kind}/prebuild/01-registry-login.sh" for kind in ("hooks", "confighooks"))
_IMAGE = "    image: ${SLIPWAY_IMAGE}\n"
_PROPERTIES = '    env_file: [".env"]\n'
_CONTEXT = "image"


def find_bundle(root: Path, artifact: Artifact, model: ModelSettings) -> Path:
    """Return the bundle that was built of an artifact, a zip file.

    Args:
        root: the project's folder.
        artifact: the model that is in the bundle.
        model: the settings; `package` decides what is in it.

    Raises:
        PackageMissing: it was not built here, or what it is built from changed since.
        NoEngine: no container of ours can serve the model.
    """
    path = _bundle(root, artifact, model).path(root)
    if not path.is_file():
        raise PackageMissing(
            f"{artifact.model} {artifact.version} has no source bundle for Elastic Beanstalk.",
            why="It is built after training, and again where what is in it changed.",
            fix=f"Run: slipway train {artifact.model}",
        )
    return path


def build_bundle(
    root: Path,
    artifact: Artifact,
    model: ModelSettings,
    *,
    progress: Callable[[str], None] = lambda _line: None,
    at_most: int = MAX_BUNDLE_BYTES,
) -> Path:
    """Build the bundle of an artifact, unless it is there: in one rename.

    Args:
        root: the project's folder.
        artifact: the model that is in the bundle.
        model: the settings; `package` decides what is in it.
        progress: is told what was built.
        at_most: how many bytes are taken.

    Raises:
        PackageTooLarge: Beanstalk would refuse it.
        NoEngine: no container of ours can serve the model.
    """
    bundle = _bundle(root, artifact, model)
    path = bundle.path(root)
    if path.is_file():
        return path
    with building(packages_of(root)) as staging:
        written = staging / path.name
        write_zip(written, bundle.files, bundle.executable)
        size = written.stat().st_size
        if size > at_most:
            raise PackageTooLarge(
                f"{artifact.model}'s source bundle is {in_mb(size)}; at most {in_mb(at_most)} is taken.",
                why="Elastic Beanstalk refuses larger ones, and the model itself is in it.",
                fix='Fit a smaller model, or set [serve] target = "sagemaker", which has its model from S3.',
            )
        written.rename(path)
    progress(f"the source bundle {path.name} is {in_mb(size)}")
    return path


@dataclass(frozen=True)
class _Bundle:
    """All that is in a bundle, by name."""

    files: Mapping[str, bytes]
    executable: frozenset[str]

    def path(self, root: Path) -> Path:
        makers = {path.name: path.read_bytes() for path in (Path(__file__), *MAKERS)}
        modes = {"executable": "\0".join(sorted(self.executable)).encode()}
        return packages_of(root) / f"bundle-{digest({**self.files, **makers, **modes})}.zip"


def _bundle(root: Path, artifact: Artifact, model: ModelSettings) -> _Bundle:
    compose = (_TEMPLATES / _COMPOSE).read_text(encoding="utf-8")
    # What JSON is, YAML is.
    expected = {
        "SLIPWAY_MANIFEST_SHA256": artifact.manifest_sha256,
        "SLIPWAY_MODEL_VERSION": artifact.version,
    }
    compose = compose.replace(_PROPERTIES, f"{_PROPERTIES}    environment: {json.dumps(expected)}\n")
    unpacked = {f"model/{name}": content for name, content in model_files(artifact).items()}
    if model.serve.resolved_package != "source":
        login = dict.fromkeys(_HOOKS, (_TEMPLATES / "registry-login.sh").read_bytes())
        return _Bundle({**unpacked, **login, _COMPOSE: compose.encode()}, frozenset(_HOOKS))
    context = server_context(root, model, artifact.engine)
    build = context.build
    told = {"context": _CONTEXT, "dockerfile": build.dockerfile, "args": dict(build.arguments)}
    if build.target is not None:
        told["target"] = build.target
    compose = compose.replace(_IMAGE, f"    build: {json.dumps(told, sort_keys=True)}\n")
    files = {f"{_CONTEXT}/{name}": content for name, content in context.files.items()}
    executable = frozenset(f"{_CONTEXT}/{name}" for name in context.executable)
    return _Bundle({**unpacked, **files, _COMPOSE: compose.encode()}, executable)
