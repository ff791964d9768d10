"""Locked Python environments, built once and shared by every run. Standard library only.

An environment is named by what it was built from, `<name>-<first 12 hex of sha256(requirements, Python)>`,
and appears under that name in one rename: a folder with the name is complete, whatever was killed while
building.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from localaws.errors import EnvironmentBuildError
from localaws.locks import exclusive

PACKAGE = Path(__file__).resolve().parent
BUILD_TIMEOUT_S = 900


@dataclass(frozen=True)
class Recipe:
    """What an environment is built from.

    `requirements` is compiled and hash-pinned; `pythons` are minor versions in order of preference, found on
    this machine and never downloaded. None of them: the interpreter that runs this code.
    """

    name: str
    requirements: Path
    pythons: tuple[str, ...] = ()
    compiler: Path | None = None
    """Stands in for the C compiler while a source distribution is installed."""
    more: tuple[Path, ...] = ()
    """Further files like `requirements`."""
    extra: Path | None = None
    """A file that a person wrote, installed over the others: neither compiled nor pinned."""


SERVER = Recipe("localaws", PACKAGE / "requirements.txt")
SKLEARN_1_9_0 = Recipe(
    "sklearn-1.9.0",
    PACKAGE / "images" / "sklearn_1_9_0" / "requirements.txt",
    pythons=("3.12", "3.11"),
    compiler=PACKAGE / "images" / "sklearn_1_9_0" / "no_compiler.sh",
)
XGBOOST_3_2_0 = Recipe(
    "xgboost-3.2.0",
    PACKAGE / "images" / "xgboost_3_2_0" / "requirements.txt",
    pythons=("3.12", "3.11"),
)
RECIPES = (SERVER, SKLEARN_1_9_0, XGBOOST_3_2_0)


def ensure_environment(
    recipe: Recipe, envs: Path, *, progress: Callable[[str], None] = lambda _: None
) -> Path:
    """Return the folder of the recipe's environment under `envs`, building it first where it is missing.

    Raises EnvironmentBuildError with the last lines of the failing command.
    """
    builder = EnvironmentBuilder(envs, progress)
    return builder.ensure(recipe)


class EnvironmentBuilder:
    """Builds environments into one folder, with the uv that Slipway's own environment pins."""

    def __init__(self, envs: Path, progress: Callable[[str], None] = lambda _: None) -> None:
        self._envs = envs
        self._progress = progress

    @cached_property
    def _uv(self) -> str:
        return find_uv()

    def path(self, recipe: Recipe) -> Path:
        """Return where the recipe's environment is, or would be once it is built."""
        python = self._interpreter(recipe.pythons)
        return self._envs / f"{recipe.name}-{_digest(recipe, python)}"

    def ensure(self, recipe: Recipe) -> Path:
        """Return the environment's folder; a second caller waits for the first instead of building too."""
        python = self._interpreter(recipe.pythons)
        target = self.path(recipe)
        if target.is_dir():
            return target
        with exclusive(self._envs / f".{recipe.name}.lock"):
            if not target.is_dir():
                self._build(recipe, python, target)
        return target

    def _build(self, recipe: Recipe, python: str, target: Path) -> None:
        self._progress(f"building the environment {target.name} (once)")
        for leftover in self._envs.glob(f".building-{recipe.name}-*"):
            shutil.rmtree(leftover)  # of a build that was killed; the lock says nobody is building now
        staging = self._envs / f".building-{target.name}"
        self._run("venv", "--relocatable", "--python", python, str(staging))
        into = ("--compile-bytecode", "--python", str(staging / "bin" / "python"))
        self._run(
            *("pip", "sync", "--require-hashes", *into),
            # A source distribution is built with the setuptools of the same files: pinned by hash as well.
            *(part for path in (recipe.requirements, *recipe.more) for part in ("--build-constraints", path)),
            *(recipe.requirements, *recipe.more),
            compiler=recipe.compiler,
        )
        if recipe.extra:
            self._run("pip", "install", "--only-binary", ":all:", *into, "-r", str(recipe.extra))
        staging.rename(target)

    def _interpreter(self, wanted: Sequence[str]) -> str:
        """Return the first wanted interpreter that is on this machine.

        A launcher that cannot run its version is none.
        """
        found = (path for version in wanted if (path := _find_python(self._uv, version)))
        return next(found, None) or getattr(sys, "_base_executable", None) or sys.executable

    def _run(self, *arguments: str | Path, compiler: Path | None = None) -> None:
        environment = _uv_environment()
        if compiler:
            environment |= {"CC": str(compiler), "LDSHARED": str(compiler)}
        try:
            subprocess.run(
                [self._uv, *arguments],
                capture_output=True, text=True, env=environment, timeout=BUILD_TIMEOUT_S, check=True,
            )  # fmt: skip
        except subprocess.CalledProcessError as error:
            tail = "\n".join(error.stderr.strip().splitlines()[-12:])
            raise EnvironmentBuildError(f"uv {_named(arguments)} failed", why=tail, fix=_FIX) from error
        except subprocess.TimeoutExpired as error:
            raise EnvironmentBuildError(
                f"uv {_named(arguments)} took over {BUILD_TIMEOUT_S} s",
                why="the package index is slow or unreachable",
                fix=_FIX,
            ) from error


def _named(arguments: Sequence[str | Path]) -> str:
    return " ".join(str(argument) for argument in arguments[:2])


_FIX = "check that the package index is reachable and the disk has 1 GB free, then run the same command again"


def find_uv() -> str:
    """Return the uv to use.

    The variable UV, the one beside this Python, or the one on PATH, in that order.
    """
    beside = Path(sys.executable).parent / "uv"
    candidates = (os.environ.get("UV"), str(beside) if beside.is_file() else None, shutil.which("uv"))
    for candidate in candidates:
        if candidate:
            return candidate
    raise EnvironmentBuildError(
        "uv was not found",
        why=f"neither {beside} nor PATH has it",
        fix="run `make setup`, or name it in the variable UV",
    )


@cache
def _find_python(uv: str, version: str) -> str:
    """Return the interpreter of a minor version, or "". Asked once a process: some take long to answer."""
    found = subprocess.run(
        [uv, "python", "find", "--no-python-downloads", "--no-project", "--system", version],
        capture_output=True, text=True, env=_uv_environment(), timeout=60, check=False,
    )  # fmt: skip
    return found.stdout.strip() if found.returncode == 0 else ""


@cache
def _version(python: str) -> bytes:
    return subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:3], sys.platform)"],
        capture_output=True, timeout=60, check=True,
    ).stdout  # fmt: skip


def _digest(recipe: Recipe, python: str) -> str:
    files = (recipe.requirements, *recipe.more, *((recipe.extra,) if recipe.extra else ()))
    content = b"".join(path.read_bytes() + b"\0" for path in files)
    return hashlib.sha256(content + _version(python)).hexdigest()[:12]


def _uv_environment() -> dict[str, str]:
    """Return this process's environment without what would point uv at another environment or a download."""
    kept = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_FIND_LINKS", "PYTHONPATH")}
    return {**kept, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


def main() -> None:
    """Build every environment of the embedded AWS into `.slipway/envs` of the current folder."""
    for recipe in RECIPES:
        ensure_environment(
            recipe, Path.cwd() / ".slipway" / "envs", progress=lambda line: print(line, file=sys.stderr)
        )


if __name__ == "__main__":
    main()
