"""The skops form of a fitted estimator: scikit-learn's own objects as data, their types by name."""

from __future__ import annotations

import importlib
import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterable
from typing import Any

import numpy as np

SCHEMA = "schema.json"
# Every entry of a zip has a date; this is the earliest that the format knows.
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
# What a container with scikit-learn holds. Anything else has to be in the model folder's requirements.txt.
CONTAINER_PACKAGES = frozenset({"builtins", "collections", "functools", "numpy", "scipy", "sklearn"})
# In a file from elsewhere a type is a way to run code: only classes that scikit-learn and XGBoost define to
# hold a fitted model are built from one, and the scores by which features are selected.
_FOREIGN_CLASSES = re.compile(
    r"sklearn\.(?!datasets\.|utils\._testing|conftest|externals\.|tests\.|\w+\.tests\.)[\w.]+"
    r"|xgboost\.(sklearn|core)\.\w+|numpy\.dtype|scipy\.interpolate\._bsplines\.BSpline"
)
_FOREIGN_FUNCTIONS = re.compile(
    r"sklearn\.feature_selection\._\w+\.\w+|scipy\._lib\.array_api_compat\.numpy\._aliases\.asarray"
)


class NotData(Exception):
    """An estimator has no skops form; the message says why in one line."""


def to_skops(estimator: Any) -> bytes:
    """Write a fitted estimator as skops; the same estimator gives the same bytes.

    Raises:
        NotData: it holds something that is code, not data.
    """
    import skops.io

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = skops.io.dumps(estimator)
    except Exception as error:  # skops raises whatever its parts do
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise NotData(f"skops does not write it: {first[:200]}") from error
    return _normalised(content)


def types_needed(content: bytes) -> list[str]:
    """Return the types, beyond those that skops trusts by itself, that loading a skops file builds."""
    import skops.io

    return sorted(skops.io.get_untrusted_types(data=content))


def foreign_packages(types: Iterable[str], packages: Iterable[str] = ()) -> list[str]:
    """Return the types that are of none of the packages that a container holds.

    Args:
        types: full names.
        packages: what the container holds besides scikit-learn.
    """
    known = CONTAINER_PACKAGES | set(packages)
    return [name for name in types if name.partition(".")[0] not in known]


def unsafe_types(types: Iterable[str]) -> list[str]:
    """Return the types that a skops file from elsewhere may not build."""
    return [name for name in types if not _holds_a_model(name)]


def _holds_a_model(name: str) -> bool:
    classes, functions = (pattern.fullmatch(name) for pattern in (_FOREIGN_CLASSES, _FOREIGN_FUNCTIONS))
    if not classes and not functions:
        return False
    module, _, attribute = name.rpartition(".")
    try:
        thing = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    # Defined there, not imported there: sklearn modules import much that is no model.
    defined = getattr(thing, "__module__", None) == module
    return defined and (isinstance(thing, type) if classes and not functions else callable(thing))


def _normalised(content: bytes) -> bytes:
    """Rewrite a skops file so that it depends on the estimator alone.

    skops names parts by their address in memory and stamps them with the time. Here they are counted through
    in the order of the schema, and dated alike.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        parts = {name: given.read(name) for name in given.namelist()}
    schema = json.loads(parts.pop(SCHEMA))
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("__id__"), int):
                node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
            if node.get("file") in parts:
                suffix = node["file"].rpartition(".")[2]
                node["file"] = files.setdefault(node["file"], f"{len(files) + 1}.{suffix}")
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)

    visit(schema)
    named = {SCHEMA: json.dumps(schema, separators=(",", ":")).encode()}
    named |= {files[name]: _without_gaps(name, data) for name, data in parts.items() if name in files}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as rewritten:
        for name, data in sorted(named.items()):
            rewritten.writestr(zipfile.ZipInfo(name, FIXED_DATE), data)
    return buffer.getvalue()


def _without_gaps(name: str, data: bytes) -> bytes:
    """Return a file of skops with zeros in the bytes between an array's fields.

    A node of a tree has seven of them, into which NumPy writes whatever lay in memory.
    """
    if not name.endswith(".npy"):
        return data
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.names is None:
        return data
    # Not zeros_like, which writes into the fields alone.
    clean = np.zeros(array.shape, array.dtype, order="F" if array.flags.fnc else "C")
    for field in array.dtype.names:
        clean[field] = array[field]
    return bytes(data[: len(data) - array.nbytes] + clean.tobytes("A"))
