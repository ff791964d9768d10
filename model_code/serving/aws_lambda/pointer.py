"""The pointer: what names the model in force, in S3."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_VERSION = re.compile(r"[0-9a-f]{12}", re.ASCII)
_MEMBERS = frozenset({"version", "archive", "archive_sha256", "manifest_sha256"})


class Pointer(NamedTuple):
    """Names one artifact."""

    version: str
    """The first 12 hex digits of the archive's sha256."""
    archive: str
    """The archive's key."""
    archive_sha256: str
    manifest_sha256: str


def pointer_of(value: Any, prefix: str) -> Pointer:
    """Read a pointer.

    Args:
        value: the JSON object, parsed or as bytes.
        prefix: of this model, `models/<model>/`: the archive has to be under it, in its version's place.

    Raises:
        ValueError: it is none, or it names what is not this model's.
    """
    if isinstance(value, bytes):
        value = json.loads(value)
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise ValueError(f"the pointer has not exactly the members {', '.join(sorted(_MEMBERS))}")
    for name, text in value.items():
        if not isinstance(text, str):
            raise ValueError(f"the pointer's {name} is no text")
    pointer = Pointer(**value)
    if not _VERSION.fullmatch(pointer.version) or not _SHA256.fullmatch(pointer.manifest_sha256):
        raise ValueError("the pointer's version or manifest_sha256 is none")
    if not _SHA256.fullmatch(pointer.archive_sha256) or pointer.archive_sha256[:12] != pointer.version:
        raise ValueError("the pointer's archive_sha256 is not its version's")
    if pointer.archive != f"{prefix}{pointer.version}/model.tar.gz":
        raise ValueError(f"the pointer's archive is not {prefix}{pointer.version}/model.tar.gz")
    return pointer
