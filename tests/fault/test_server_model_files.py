"""A model that is not what was trained is never served, and the log says why in one line."""

from __future__ import annotations

import importlib.util
import json
import pickle
import py_compile
import shutil

import pytest

from tests.server.models import ModelFolder, model, sha256, with_hooks
from tests.server.process import Server, until
from tests.server.requests import ROW
from tests.server.wire import check_error


def assert_not_ready(found: ModelFolder, code: str, *words: str, **environment: str) -> None:
    with Server(found, workers=2, **environment) as server:
        for _ in range(20):  # whichever worker is asked
            reply = server.ping()
            check_error(reply)
            assert (reply.status, reply.error["code"]) == (503, code)
            assert all(word in reply.error["message"] for word in words)
        for path in ("/invocations", "/predict"):
            reply = server.ask("POST", path, ROW, content_type="text/csv")
            check_error(reply)
            assert (reply.status, reply.error["code"]) == (503, code)
        assert server.ask("POST", "/invocations", ROW * 20_000).status == 503  # through the other way
        assert server.ask("GET", "/openapi.json").status == 503
        assert server.ask("GET", "/metrics").status == 200
        until(lambda: len(server.log().splitlines()) == 2, what="a line of each worker")
        for line in server.log().splitlines():
            assert line.startswith(f"not ready: {code}: ")
            assert all(word in line for word in words)


def flip(file, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_byte_of_the_model_changed(tmp_path, place):
    found = model("logistic").copy(tmp_path / "model")
    flip(found.path / "model.onnx", place)

    assert_not_ready(found, "model_not_verified", "model.onnx", "sha256")


def test_one_byte_of_the_manifest_changed(tmp_path):
    found = model("logistic").copy(tmp_path / "model")
    flip(found.path / "code" / "manifest.json", 2)

    assert_not_ready(found, "model_not_verified", "manifest.json")


@pytest.mark.parametrize("name", ["model.onnx", "code/manifest.json", "code"])
def test_a_file_that_is_missing(tmp_path, name):
    found = model("logistic").copy(tmp_path / "model")
    path = found.path / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()

    assert_not_ready(found, "model_not_verified", "missing")


def test_no_model_at_all(tmp_path):
    assert_not_ready(ModelFolder(tmp_path / "nothing", "0" * 64), "model_not_verified", "missing")


@pytest.mark.parametrize("expected", ["", "0" * 64, "not hexadecimal"])
def test_another_manifest_than_the_one_deployed(expected):
    assert_not_ready(model("logistic"), "model_not_verified", SLIPWAY_MANIFEST_SHA256=expected)


def test_a_model_that_answers_otherwise_than_in_training(tmp_path):
    found = model("logistic").copy(tmp_path / "model")
    golden = found.manifest["golden"]
    golden["predictions"][0] = "virginica"

    assert_not_ready(found.signed(golden=golden), "model_wrong_answer", "'setosa'", "'virginica'")


def test_a_model_that_takes_other_columns_than_its_signature(tmp_path):
    found = model("logistic").copy(tmp_path / "model")
    signature, golden = found.manifest["signature"], found.manifest["golden"]
    signature["features"].append({"name": "more"})
    golden["rows"] = [[*row, 1.0] for row in golden["rows"]]

    assert_not_ready(found.signed(signature=signature, golden=golden), "model_wrong_answer", "golden row")


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __reduce__(self):
        return open, (self.file, "w")


@pytest.mark.parametrize(("kind", "file"), [("logistic", "model.onnx"), ("forest", "model.skops")])
def test_a_pickle_under_another_name_is_not_unpickled(tmp_path, kind, file):
    mark = tmp_path / "unpickled"
    found = model(kind).copy(tmp_path / "model")
    (found.path / file).write_bytes(pickle.dumps(Evil(str(mark))))

    assert_not_ready(found.signed(), "model_not_loadable")
    assert not mark.exists()


def test_an_engine_that_does_not_exist_is_not_loaded(tmp_path):
    found = model("logistic").copy(tmp_path / "model")

    assert_not_ready(
        found.signed(engine={"name": "joblib", "file": "model.onnx"}), "model_not_loadable", "joblib"
    )


@pytest.mark.parametrize(
    "code",
    [
        "raise RuntimeError('two\\nlines')",
        "import sys; sys.exit(1)",
        "import nothing_of_that_name",
        "def broken(:",
    ],
)
def test_hooks_that_cannot_be_imported(tmp_path, code):
    assert_not_ready(with_hooks(tmp_path / "model", code), "model_not_loadable")


def test_bytecode_beside_the_verified_source_is_not_run(tmp_path):
    """An archive may hold more than its manifest names: __pycache__ would come before the source."""
    mark = tmp_path / "run"
    found = with_hooks(tmp_path / "model", "import helper\n")
    code = found.path / "code"
    (code / "helper.py").write_text("value = 1\n")
    (code / "evil.py").write_text(f"open({str(mark)!r}, 'w')\n")
    for name in ("inference", "helper"):
        for cached in (importlib.util.cache_from_source(str(code / f"{name}.py")), str(code / f"{name}.pyc")):
            unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
            py_compile.compile(str(code / "evil.py"), cfile=cached, invalidation_mode=unchecked)
    found = found.signed(files={**found.manifest["files"], "code/helper.py": sha256(code / "helper.py")})

    with Server(found) as server:
        assert server.ping().status == 200
        assert server.predict(ROW).status == 200
    assert not mark.exists()


def test_a_module_that_the_manifest_does_not_name_is_not_imported(tmp_path):
    found = with_hooks(tmp_path / "model", "import helper\n")
    (found.path / "code" / "helper.py").write_text("value = 1\n")

    assert_not_ready(found, "model_not_loadable", "helper")


def test_the_manifest_of_a_right_model_is_right():
    assert json.loads((model("logistic").path / "code" / "manifest.json").read_bytes())["model"] == "iris"
    with Server(model("logistic")) as server:
        assert server.ping().status == 200
        assert server.log() == ""
