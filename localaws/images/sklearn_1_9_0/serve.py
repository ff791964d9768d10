"""The serving entry point of AWS's prebuilt scikit-learn image, for a process instead of a container.

The image installs the code folder as a package, imports it, and starts gunicorn with gevent workers, each of
which loads the model at its first request. So does this; only the bind address is 127.0.0.1 and nginx is
left out. Runs in the image's environment alone.
"""

import collections
import collections.abc
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

# The toolkit is of 2020 and uses names that Python 3.10 moved for good; the image runs it with a patch as
# well.
for _name in ("Mapping", "MutableMapping", "Sequence", "Iterable"):
    setattr(collections, _name, getattr(collections.abc, _name))
# The toolkit's compiled helper renames training hosts; it was installed without a compiler, and serving only
# imports it.
sys.modules["gethostname"] = ModuleType("gethostname")

import numpy as np  # noqa: E402
from sagemaker_containers import _encoders, _env, _errors, _modules, _transformer, _worker  # noqa: E402
from sagemaker_containers.beta import framework  # noqa: E402, F401 - the image has it loaded before a hook asks

_app: Any = None


def default_input_fn(input_data: Any, content_type: str) -> Any:
    """Decode a request: CSV and JSON become float32, as in the image; npy stays as it is."""
    array = _encoders.decode(input_data, content_type)
    return array.astype(np.float32) if content_type in ("application/json", "text/csv") else array


def default_predict_fn(input_data: Any, model: Any) -> Any:
    """Predict."""
    return model.predict(input_data)


def default_output_fn(prediction: Any, accept: str) -> Any:
    """Encode a prediction in the type that the caller accepts."""
    return _worker.Response(response=_encoders.encode(prediction, accept), mimetype=accept)


def _transformer_of(module: ModuleType) -> Any:
    functions = {name: getattr(module, name, None) for name in ("input_fn", "predict_fn", "output_fn")}
    transform_fn = getattr(module, "transform_fn", None)
    if transform_fn and any(functions.values()):
        raise _errors.UserError("Cannot use transform_fn with input_fn, predict_fn, and/or output_fn")
    if transform_fn:
        return _transformer.Transformer(model_fn=getattr(module, "model_fn", None), transform_fn=transform_fn)
    return _transformer.Transformer(
        model_fn=getattr(module, "model_fn", None),
        input_fn=functions["input_fn"] or default_input_fn,
        predict_fn=functions["predict_fn"] or default_predict_fn,
        output_fn=functions["output_fn"] or default_output_fn,
    )


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
    """Serve one request.

    The first in each worker loads the model, and a model that cannot load answers 500.
    """
    global _app
    if _app is None:
        module = importlib.import_module(_env.ServingEnv().module_name)
        transformer = _transformer_of(module)
        transformer.initialize()
        _app = _worker.Worker(
            transform_fn=transformer.transform,
            module_name=module.__name__,
            execution_parameters_fn=getattr(module, "execution_parameters_fn", None),
        )
    return _app(environ, start_response)


def main() -> None:
    """Install the code folder, then become gunicorn."""
    env = _env.ServingEnv()
    _modules.import_module(env.module_dir, env.module_name)
    here = Path(__file__).resolve().parent
    options = {
        "--timeout": env.model_server_timeout,
        "-k": "gevent",
        "-b": f"127.0.0.1:{env.http_port}",
        "-w": env.model_server_workers,
        "--worker-connections": 1000 * env.model_server_workers,
        "--keep-alive": 75,  # longer than the proxy keeps an idle connection, so it never meets a closed one
        "--graceful-timeout": 0,  # requests are let out before SIGTERM comes; idle connections need no wait
        "--pythonpath": f"{here},{_env.code_dir}",
        "--log-level": "info",
    }
    words = [str(word) for pair in options.items() for word in pair]
    # Nobody controls it, and a socket's path has no room for a long folder.
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", *words, "serve:application"]
    os.execv(sys.executable, command)  # noqa: S606


if __name__ == "__main__":
    main()
