"""The files that a build context holds, as `docker build` picks them by the patterns of .dockerignore."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stacks.image_build import ImageBuild
    from stacks.settings import ModelSettings


@dataclass(frozen=True)
class BuildContext:
    """How an image is built, and from what."""

    build: ImageBuild
    files: Mapping[str, bytes]
    """By name in the context."""
    executable: frozenset[str]
    """The names of the files that can be run."""


def server_context(root: Path, model: ModelSettings, engine: str) -> BuildContext:
    """Return the build context of the server's image of a model.

    Args:
        root: the project's folder; the context is its model_code/.
        model: whose folder may hold a requirements.txt or a Dockerfile of its own.
        engine: what computes the predictions: onnx, sklearn or xgboost.
    """
    from stacks.image_build import build_of

    build = build_of(model, engine)
    home = root / "model_code"
    paths = {
        path.relative_to(home).as_posix(): path
        for folder in (home / "serving", model.folder)
        for path in folder.rglob("*")
        if path.is_file()
    }
    paths = {name: path for name, path in paths.items() if not is_left_out(name, build.left_out)}
    executable = frozenset(name for name, path in paths.items() if os.access(path, os.X_OK))
    return BuildContext(build, {name: path.read_bytes() for name, path in paths.items()}, executable)


def is_left_out(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a .dockerignore leaves a file out.

    The last pattern that matches the file or a folder above it decides; `!` takes it in again; `*` stops at a
    slash, `**/` is any number of folders. Source: Docker's "Build context", ".dockerignore files".

    Args:
        name: the file's path in the build context.
        patterns: the lines of the file, of the forms above.
    """
    candidates = (name, *(str(parent) for parent in PurePosixPath(name).parents if parent.name))
    left_out = False
    for pattern in patterns:
        expression = _expression(pattern.removeprefix("!"))
        if any(expression.fullmatch(candidate) for candidate in candidates):
            left_out = not pattern.startswith("!")
    return left_out


def _expression(pattern: str) -> re.Pattern[str]:
    """Return a regular expression of a pattern."""
    parts = re.split(r"(\*\*/|\*)", pattern)
    return re.compile("".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts))
