"""The image as it is: what it may do, what it answers, and how it ends."""

from __future__ import annotations

import json
import time

import pytest

from tests.container.conftest import MEMORY_MB, Container, running
from tests.server.models import model
from tests.server.requests import ROW


@pytest.mark.parametrize(
    ("kind", "found"), [("onnx", "logistic"), ("onnx", "regression"), ("sklearn", "forest")]
)
def test_an_image_answers_shut_off_from_everything(engine, images, kind, found):
    with running(engine, images[kind], model(found)) as container:
        status, _, body, _ = container.ask("GET", "/ping")
        assert (status, json.loads(body)["status"]) == (200, "ready")

        status, headers, body, _ = container.ask("POST", "/invocations", ROW)

    assert status == 200
    assert json.loads(body)[0] == ("virginica" if found != "regression" else pytest.approx(17.5, abs=0.2))
    assert headers["x-amzn-sagemaker-custom-attributes"].startswith("version=0123456789ab")


def test_no_process_is_root_or_can_write_or_reach_anything(container: Container):
    container.ask("GET", "/ping")

    assert json.loads(container.run("rights")) == {
        "users": ["10001"],
        "capabilities": ["0000000000000000"],
        "processes": 3,  # the parent and two workers
        "writable": [],
        "devices": ["lo"],
        "installed": [],
        "first": ["-m", "serving.server", "serve"],
    }


def test_an_image_is_for_the_machines_of_sagemaker_and_starts_serve_as_nobody(engine, images):
    inspected = json.loads(engine.run("image", "inspect", images["onnx"]).stdout)[0]

    assert (inspected["Architecture"], inspected["Os"]) == ("amd64", "linux")
    assert inspected["Config"]["User"] == "10001:10001"
    assert inspected["Config"]["Cmd"] == ["serve"]


def test_512_mb_are_enough_for_two_workers_and_large_bodies(engine, container: Container):
    container.ask("GET", "/ping")
    for _ in range(4):
        status, _, _, size = container.ask("POST", "/invocations", f"{ROW}\n", times=100_000)
        assert (status, size) == (200, 100_000 * len('"virginica", '))
    held_kb, limit = json.loads(container.run("memory"))

    assert held_kb < MEMORY_MB * 1024 / 2
    if engine.limits_memory:
        assert limit == MEMORY_MB * 1024 * 1024


def test_sigterm_under_load_loses_no_request_of_a_container(container: Container):
    container.ask("GET", "/ping")
    clients = container.beside("clients")
    assert clients.stdout.readline() == "now\n"
    stopped = time.monotonic()
    container.told("kill", "--signal", "TERM")
    code = container.told("wait")
    took_s = time.monotonic() - stopped
    counted = json.loads(clients.communicate(timeout=60)[0])

    assert code == "0"
    assert took_s < 10
    assert counted["answered"] > 500
    assert (counted["lost"], counted["wrong"]) == ([], [])
    assert counted["refused"] == 34  # every client went on until nobody listened


def test_a_container_whose_model_was_altered_says_so_and_serves_nothing(engine, images, tmp_path):
    altered = model("logistic").copy(tmp_path / "model")
    content = bytearray((altered.path / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (altered.path / "model.onnx").write_bytes(content)
    with running(engine, images["onnx"], altered) as container:
        for method, path in (("GET", "/ping"), ("POST", "/invocations")):
            status, _, body, _ = container.ask(method, path, ROW)
            assert (status, json.loads(body)["error"]["code"]) == (503, "model_not_verified")
