"""No room to write: the server needs none, not even for its log."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.server.models import model, with_hooks
from tests.server.process import Server, until
from tests.server.requests import ROW


@pytest.mark.parametrize("directory", ["/proc", "/nowhere", "/dev/full"])
def test_a_directory_for_temporary_files_that_takes_none_is_not_needed(directory):
    environment = {"TMPDIR": directory, "HOME": directory, "PYTHONDONTWRITEBYTECODE": "1"}
    for kind in ("logistic", "forest"):
        with Server(model(kind), options={"cwd": "/"}, **environment) as server:
            assert server.predict(f"{ROW}\n" * 50_000).status == 200
            assert server.predict(ROW).status == 200


def broken_pipe() -> int:
    """Return the end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("log", ["full disk", "closed pipe"])
def test_a_log_that_cannot_be_written_ends_nobody(tmp_path, log):
    end = os.open("/dev/full", os.O_WRONLY) if log == "full disk" else broken_pipe()
    failing = with_hooks(tmp_path / "model", "def predict_fn(data, model):\n    raise RuntimeError('no')\n")
    with Server(failing, workers=2, options={"stdout": end, "stderr": end}) as server:
        reply = server.predict(ROW)
        assert (reply.status, reply.error["code"]) == (500, "internal")
        assert b"Unsupported" not in server.ask("GET", "/ping", connection="Upgrade", upgrade="h2c").body
        time.sleep(1.1)
        old = server.workers()
        os.kill(old[0], signal.SIGKILL)
        until(lambda: len(server.workers()) == 2 and old[0] not in server.workers())
        assert server.ping().status == 200
        assert server.process.poll() is None
        server.process.terminate()
        assert server.process.wait(timeout=10) == 0
    os.close(end)


def test_a_log_that_cannot_be_written_leaves_the_reason_on_ping(tmp_path):
    found = model("logistic").copy(tmp_path / "model")
    (found.path / "model.onnx").unlink()
    with (
        Path("/dev/full").open("w") as full,
        Server(found, options={"stdout": full, "stderr": full}) as server,
    ):
        assert server.ping().error["code"] == "model_not_verified"
        assert len(server.workers()) == 1
