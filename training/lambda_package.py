"""The packages of a function on Lambda: built after training; synth reads them with the standard library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import PackageMissing, PackageTooLarge

from .artifact import Artifact
from .lambda_layer import PLATFORMS, PYTHON, compile_all, find_python, install
from .packages import MAKERS, building, digest, in_mb, model_files, packages_of
from .zip_files import files_of, unpacked_bytes, write_zip

if TYPE_CHECKING:
    from stacks.serve_settings import ServeSection

Progress = Callable[[str], None]
# AWS's own bound is 250 MB (262,144,000 bytes) for a function and its layers.
MAX_UNPACKED_BYTES = 240 * 1024 * 1024
# Parts of serving/ that a function runs; the server of containers is none of them.
_FOLDERS = ("aws_lambda", "doors")
_SUFFIXES = (".py", ".html", ".css", ".js", ".svg")


@dataclass(frozen=True)
class LambdaPackage:
    """What a function is made of."""

    code: Path
    """A zip file: `serving/` and, unless the model lives in S3, `model/`: the unpacked archive."""
    layer: Path
    """A zip file: `python/`, the installed packages and `slipway-requirements.txt`, what they came from."""


@dataclass(frozen=True)
class _Part:
    """One zip file: its kind and what it is named by."""

    kind: str
    key: str

    def names(self) -> tuple[str, str]:
        """Its name with bytecode, and without."""
        return f"{self.kind}-{self.key}.zip", f"{self.kind}-{self.key}-source.zip"

    def found(self, folder: Path) -> Path | None:
        return next((folder / name for name in self.names() if (folder / name).is_file()), None)


def find_package(root: Path, artifact: Artifact, serve: ServeSection) -> LambdaPackage:
    """Return the package that was built of an artifact.

    Args:
        root: the project's folder.
        artifact: the model.
        serve: says the architecture, and where the model lives.

    Raises:
        PackageMissing: it was not built here, or serving/ or what it needs changed since.
        NoEngine: no container of ours can serve the model.
    """
    found = _found(_Inputs(root, artifact, serve), packages_of(root))
    if found is None:
        raise PackageMissing(
            f"{artifact.model} {artifact.version} has no package for Lambda.",
            why="It is built after training, and again where the serving code or its packages changed.",
            fix=f"Run: slipway train {artifact.model}",
        )
    return found


def paths_of(root: Path, artifact: Artifact, serve: ServeSection) -> LambdaPackage:
    """Return where the package of an artifact is, or would be, with bytecode; see find_package."""
    inputs, folder = _Inputs(root, artifact, serve), packages_of(root)
    return LambdaPackage(*(folder / part.names()[0] for part in (inputs.code, inputs.layer)))


def build_package(
    root: Path, artifact: Artifact, serve: ServeSection, *, progress: Progress = lambda _line: None
) -> LambdaPackage:
    """Build the package of an artifact, unless it is there. After a crash there is the old one or none.

    Args:
        root: the project's folder.
        artifact: the model.
        serve: says the architecture, and where the model lives.
        progress: is told what takes time.

    Raises:
        PackageFailed, ToolMissing: the packages cannot be installed.
        PackageTooLarge: it is larger than AWS takes.
        NoEngine: no container of ours can serve the model.
    """
    inputs, packages = _Inputs(root, artifact, serve), packages_of(root)
    parts, found = (inputs.layer, inputs.code), _found(inputs, packages)
    if found and all((packages / part.names()[0]).is_file() for part in parts):
        return found
    python = find_python()
    if found and python is None:
        return found
    with building(packages) as staging:
        built = {}
        for part in parts:
            target = packages / part.names()[0 if python else 1]
            built[target] = target
            if not target.is_file():
                progress(f"build {target.name} for Lambda ({serve.architecture}, Python {PYTHON})")
                built[target] = staging / target.name
                _make(part.kind, inputs, built[target], staging / part.kind, python)
        size = unpacked_bytes(*built.values())
        if size > MAX_UNPACKED_BYTES:
            raise PackageTooLarge(
                f"{artifact.model}'s package for Lambda is {in_mb(size)} unpacked; at most "
                f"{in_mb(MAX_UNPACKED_BYTES)} is taken.",
                why="AWS refuses functions above 250 MB, their layers included.",
                fix='Set [serve] package = "image": an image may have 10 GB.',
            )
        for target, written in built.items():
            written.rename(target)
    if python is None:
        progress(f"no python{PYTHON} on PATH: the package has no bytecode, and a start takes twice as long")
    zipped = sum(path.stat().st_size for path in built)
    progress(f"the package is {in_mb(size)} unpacked, {in_mb(zipped)} zipped")
    layer, code = built
    return LambdaPackage(code, layer)


class _Inputs:
    """All that a package is built from."""

    def __init__(self, root: Path, artifact: Artifact, serve: ServeSection) -> None:
        serving = root / "model_code" / "serving"
        in_s3 = serve.model_source == "s3"
        self.model = model_files(artifact)
        self.serving = {
            f"serving/{path.relative_to(serving).as_posix()}": path.read_bytes()
            for path in (
                *serving.glob("*.py"),
                *(p for name in _FOLDERS for p in (serving / name).rglob("*")),
            )
            if path.suffix in _SUFFIXES
        }
        self.files: dict[str, bytes] = {} if in_s3 else {f"model/{k}": v for k, v in self.model.items()}
        kinds = (artifact.engine, "s3") if in_s3 else (artifact.engine,)
        self.pinned = b"".join((serving / f"requirements-lambda-{kind}.txt").read_bytes() for kind in kinds)
        self.extra = self.model.get("code/requirements.txt")
        self.architecture = serve.architecture
        # What is stripped, and how, decides what comes out as much as the requirements do.
        makers = {p.name: p.read_bytes() for p in (*Path(__file__).parent.glob("lambda_*.py"), *MAKERS)}
        platform = {"python": PYTHON.encode(), "platform": PLATFORMS[self.architecture].encode()}
        self.code = _Part("code", digest({**self.serving, **self.files, **makers}))
        requirements = {"pinned": self.pinned, "extra": self.extra or b""}
        self.layer = _Part("layer", digest({**requirements, **platform, **makers}))


def _found(inputs: _Inputs, packages: Path) -> LambdaPackage | None:
    code, layer = inputs.code.found(packages), inputs.layer.found(packages)
    return LambdaPackage(code, layer) if code and layer else None


def _make(kind: str, inputs: _Inputs, target: Path, scratch: Path, python: str | None) -> None:
    scratch.mkdir()
    if kind == "layer":
        install(scratch, inputs.pinned, inputs.extra, inputs.architecture, python)
        write_zip(target, files_of(scratch, "python/"))
        return
    for name, content in inputs.serving.items():
        path = scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if python is not None:
        compile_all(python, scratch, "/var/task")
    write_zip(target, {**files_of(scratch), **inputs.files})
