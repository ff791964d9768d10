"""An inference.py of a person's own: the four hooks of script mode, around our server."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

from .. import script_mode
from ..errors import NotVerified
from ..media import JSON
from ..model import Model

_NAMES = ("model_fn", "input_fn", "predict_fn", "output_fn")


@dataclass(frozen=True)
class Hooks:
    """The hooks that a request goes through, and the model that `model_fn` gave."""

    model: Any
    input_fn: Callable[[bytes, str | None], Any]
    predict_fn: Callable[[Any, Any], Any]
    output_fn: Callable[[Any, str | None], Any]

    def answer(self, body: bytes, content_type: str | None, accept: str | None) -> tuple[int, bytes, str]:
        """Return status, body and media type of the answer to a request."""
        data = self.input_fn(body, content_type or JSON)
        return _response(self.output_fn(self.predict_fn(data, self.model), accept or JSON))


class _Source(importlib.machinery.SourceFileLoader):
    """Imports source whose bytes are the manifest's, and never bytecode that lies beside it."""

    def __init__(self, name: str, path: str, sha256: str) -> None:
        super().__init__(name, path)
        self._sha256 = sha256

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the import system's own
        """Compile the source."""
        source = self.get_data(self.path)
        if hashlib.sha256(source).hexdigest() != self._sha256:
            raise NotVerified(f"{self.path} is not the file that the manifest names.")
        return self.source_to_code(source, self.path)


class _Modules:
    """Finds the modules in an archive's code/, as far as its manifest names them."""

    def __init__(self, model_dir: Path, files: Mapping[str, str]) -> None:
        self._model_dir, self._files = model_dir, files

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> ModuleSpec | None:
        """Return where a module comes from."""
        file = f"code/{name}.py"
        if file not in self._files:
            return None
        loader = _Source(name, str(self._model_dir / file), self._files[file])
        return importlib.util.spec_from_loader(name, loader)


def load_hooks(model_dir: Path, model: Model, manifest: Mapping[str, Any]) -> Hooks:
    """Import `code/inference.py`; hooks that it lacks are Slipway's.

    As in AWS's image, its own modules lie beside it, and it may import `serving`. What an earlier model's
    hooks imported is forgotten: modules of this one may have the same names.
    """
    _forget()
    sys.modules.setdefault("serving", sys.modules[__package__.rpartition(".")[0]])
    sys.modules.setdefault("serving.script_mode", script_mode)
    modules = _Modules(model_dir, manifest["files"])
    sys.meta_path.append(modules)  # after what is installed
    script_mode.use(model)
    specification = modules.find_spec("inference")
    if specification is None or specification.loader is None:
        raise NotVerified("code/inference.py is not in the manifest.")
    module = importlib.util.module_from_spec(specification)
    sys.modules["inference"] = module
    specification.loader.exec_module(module)
    model_fn, input_fn, predict_fn, output_fn = (
        getattr(module, name, None) or getattr(script_mode, name) for name in _NAMES
    )
    # Slipway's own model_fn would load the same model once more.
    loaded = model if model_fn is script_mode.model_fn else model_fn(str(model_dir))
    return Hooks(loaded, input_fn, predict_fn, output_fn)


class Imported(NamedTuple):
    """What the hooks of a model have imported, to be put back when another model is given up."""

    finders: tuple[_Modules, ...]
    modules: Mapping[str, Any]


def imported() -> Imported:
    """Return what the hooks in force have imported."""
    finders = tuple(finder for finder in sys.meta_path if isinstance(finder, _Modules))
    modules = {
        name: module
        for name, module in sys.modules.items()
        if isinstance(getattr(getattr(module, "__spec__", None), "loader", None), _Source)
    }
    return Imported(finders, modules)


def put_back(before: Imported, model: Model | None) -> None:
    """Let the hooks of an earlier model be in force again.

    Args:
        before: what they had imported.
        model: the one they read requests for.
    """
    _forget()
    sys.meta_path.extend(before.finders)
    sys.modules.update(before.modules)
    if model is not None:
        script_mode.use(model)


def _forget() -> None:
    finders, modules = imported()
    for finder in finders:
        sys.meta_path.remove(finder)
    for name in modules:
        del sys.modules[name]


def _response(result: Any) -> tuple[int, bytes, str]:
    """Read what an output_fn may return: our Response, bytes or text, a pair with its media type, or JSON.

    Raises:
        TypeError, ValueError: it is nothing that can be sent.
    """
    status = 200
    if isinstance(result, script_mode.Response):
        status, body, media_type = result.status, result.response, result.mimetype
    else:
        body, media_type = result if isinstance(result, tuple) else (result, None)
    if isinstance(body, str):
        body, default = body.encode(), "text/html; charset=utf-8"
    elif isinstance(body, bytes | bytearray):
        body, default = bytes(body), "application/octet-stream"
    else:
        body, default = json.dumps(body).encode() + b"\n", JSON
    media_type = media_type or default
    if not (isinstance(media_type, str) and media_type.isascii() and media_type.isprintable()):
        raise ValueError(f"output_fn gave the media type {media_type!r}")
    if status not in range(200, 600):
        raise ValueError(f"output_fn gave the status {status!r}")
    return status, body, media_type
