"""`python -m serving.server serve`: what SageMaker starts as `docker run IMAGE serve`."""

from __future__ import annotations

import ctypes
import json
import resource
import socket
import sys
from contextlib import suppress

from . import worker
from .accepting import Shares
from .app import Application
from .metrics import Metrics
from .settings import ServerSettings
from .workers import listen, supervise

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGE_BYTES, _KEPT_BYTES = 1 << 20, 6 << 20


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM, and return the exit code."""
    if arguments != ["serve"]:
        print("usage: serve", file=sys.stderr)
        return 2
    try:
        settings = ServerSettings.from_environment()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    _allow_many_connections()
    _give_large_memory_back()
    _import_engine(settings)
    metrics, shares = Metrics(settings.workers), Shares(settings.workers)
    fetch = None
    if settings.s3_prefixes:
        from .s3 import fetcher

        fetch = fetcher(settings)
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        print(f"cannot listen on {settings.host}:{settings.port}: {error}", file=sys.stderr)
        return 1

    def work(number: int, shared: socket.socket) -> None:
        metrics.use_row(number)
        app = Application(settings, metrics, fetch)
        worker.run(app, shared, shares, number, settings.request_timeout_s)

    supervise(settings.workers, work, listener)
    return 0


def _allow_many_connections() -> None:
    """Raise the number of open files from the 1,024 that many machines begin with to what is allowed."""
    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _give_large_memory_back() -> None:
    """Have the C library return large blocks at once and keep a little: a worker's peak is its requests'.

    By itself it keeps ever larger ones, and the next body may not fit into them.
    """
    with suppress(OSError, AttributeError):  # glibc's own
        allocator = ctypes.CDLL(None)
        allocator.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        allocator.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def _import_engine(settings: ServerSettings) -> None:
    """Import the engine's library once, before the workers are forked; nothing of the model is loaded."""
    with suppress(Exception):  # a worker meets the same error, and says it
        manifest = json.loads((settings.model_dir / "code" / "manifest.json").read_bytes())
        name = manifest["engine"]["name"]
        __import__({"onnx": "onnxruntime", "sklearn": "skops.io", "xgboost": "xgboost"}[name])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
