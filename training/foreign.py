"""Files with models from elsewhere: what they are, by name and by content, before any is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from slipway.errors import ImportRefused

from .skops_form import SCHEMA

PICKLES = (".joblib", ".pkl", ".pickle")
SUFFIXES = (".onnx", ".skops", *PICKLES)
# What a file starts with. joblib writes pickles, compressed or not.
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_PICKLES = (b"\x80", *_ZLIB, b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x5d\x00\x00", b"\x04\x22M\x18")
_ZIP = b"PK\x03\x04"
_EXPORT = "Export it as ONNX (skl2onnx.to_onnx) or as skops (skops.io.dump) where it was trained."
OTHER_DATA = "Set data and features in model.toml to what the model was trained on, in that order."


def read_foreign(path: Path, *, trust: bool) -> tuple[str, bytes]:
    """Return a file's form, `onnx`, `skops` or `joblib`, and its bytes.

    Args:
        path: the file.
        trust: whether the person has said that a pickle may run.

    Raises:
        ImportRefused: there is no such file, its content is not what its name says, or it is a pickle.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ImportRefused(
            f"{path.name} is no model that can be imported.",
            why="By its name it is not one of .onnx, .skops, .joblib, .pkl.",
            fix=_EXPORT,
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImportRefused(f"{path} cannot be read: {error.strerror}.", fix="Mend the path.") from None
    found = _content_of(content)
    expected = {".onnx": "onnx", ".skops": "skops"}.get(suffix, "pickle")
    # Text pickles and odd compressions have no magic; with a pickle's name they are taken for one.
    if found != expected and not (expected == "pickle" and found == "unknown"):
        raise ImportRefused(
            f"{path.name} is not what its name says: its content is {_NAMED[found]}.",
            why="Loading a pickle runs whatever was put into it, so its name does not decide."
            if found == "pickle"
            else "What is in a file decides how it is read.",
            fix=_FIXES[found],
        )
    if expected == "pickle" and not trust:
        raise ImportRefused(
            f"{path.name} is a pickle, and nothing was loaded.",
            why="Loading a pickle runs whatever was put into it, with your rights: it can read your keys, "
            "delete files and send data away. ONNX and skops are data and cannot.",
            fix=f"{_EXPORT} If you made the file yourself, repeat the command with --trust.",
        )
    return ("joblib" if expected == "pickle" else expected), content


def skops_of_pickle(content: bytes, name: str) -> bytes:
    """Load a trusted pickle in a process of its own, and return the model that it holds as skops.

    That process gets no credentials, and an empty folder as home; beyond that it can do what the person can.

    Raises:
        ImportRefused: it cannot be loaded here, or is no data.
    """
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "SYSTEMROOT") if key in os.environ}
    with tempfile.TemporaryDirectory(prefix="slipway-unpickle-") as folder:
        given, wanted = Path(folder, "model.joblib"), Path(folder, "model.skops")
        given.write_bytes(content)
        ended = subprocess.run(
            [sys.executable, "-m", "training.unpickle", str(given), str(wanted)],
            cwd=folder,
            env={**kept, "HOME": folder, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if ended.returncode == 0 and wanted.is_file():
            return wanted.read_bytes()
    lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
    try:
        why = str(json.loads(lines[-1])["why"])
    except (ValueError, KeyError, TypeError):
        why = lines[-1]
    raise ImportRefused(
        f"{name} cannot be turned into data.",
        why=why,
        fix=_EXPORT,
    )


def _content_of(content: bytes) -> str:
    if content.startswith(_ZIP):
        return "skops" if SCHEMA.encode() in content else "zip"
    if content.startswith(_PICKLES):
        return "pickle"
    return "onnx" if _is_onnx(content) else "unknown"


def _is_onnx(content: bytes) -> bool:
    import onnx

    try:
        model = onnx.load_model_from_string(content)
    except Exception:  # protobuf raises an exception of its own
        return False
    return bool(model.graph.node and model.graph.output)


_NAMED = {
    "onnx": "an ONNX model",
    "skops": "a skops file",
    "zip": "a zip archive without a model",
    "pickle": "a pickle",
    "unknown": "no model that is known here",
}
_FIXES = {
    "onnx": "Rename it to .onnx.",
    "skops": "Rename it to .skops.",
    "zip": _EXPORT,
    "pickle": f"{_EXPORT} If you made the file yourself, rename it to .joblib and say --trust.",
    "unknown": _EXPORT,
}
