"""An inference.py of a person's own: the four hooks of script mode, around our server."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import script_mode
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


def load_hooks(model_dir: Path, model: Model) -> Hooks:
    """Import `code/inference.py`, whose files are verified; hooks that it lacks are Slipway's.

    As in AWS's image, its own modules lie beside it, and it may import `serving`.
    """
    code = model_dir / "code"
    sys.modules.setdefault("serving", sys.modules[__package__.rpartition(".")[0]])
    sys.modules.setdefault("serving.script_mode", script_mode)
    sys.path.append(str(code))
    script_mode.use(model)
    specification = importlib.util.spec_from_file_location("inference", code / "inference.py")
    assert specification is not None and specification.loader is not None  # noqa: S101 - the file is verified
    module = importlib.util.module_from_spec(specification)
    sys.modules["inference"] = module
    specification.loader.exec_module(module)
    model_fn, input_fn, predict_fn, output_fn = (
        getattr(module, name, None) or getattr(script_mode, name) for name in _NAMES
    )
    # Slipway's own model_fn would load the same model once more.
    loaded = model if model_fn is script_mode.model_fn else model_fn(str(model_dir))
    return Hooks(loaded, input_fn, predict_fn, output_fn)


def _response(result: Any) -> tuple[int, bytes, str]:
    """Read what an output_fn may return: our Response, bytes or text, a pair with its media type, or JSON."""
    if isinstance(result, script_mode.Response):
        return result.status, result.response, result.mimetype
    body, media_type = result if isinstance(result, tuple) else (result, None)
    if isinstance(body, str):
        return 200, body.encode(), media_type or "text/html; charset=utf-8"
    if isinstance(body, bytes | bytearray):
        return 200, bytes(body), media_type or "application/octet-stream"
    return 200, json.dumps(body).encode() + b"\n", media_type or JSON
