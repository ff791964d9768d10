"""Functions that are images: run by an engine of this machine, and as a process without one."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from localaws.control import LocalAws
from localaws.images.engine import VARIABLE, find_engine
from tests.local.conftest import ROOT, free_port, state_root
from tests.local.functions_toy import HANDLER, FunctionsToy
from tests.local.published import HOST, Published, context

OTHER = "def handler(event, context):\n    return 'other'\n"


@pytest.fixture(scope="module", params=("engine", "process"))
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both ways to run an image, one after the other."""
    if request.param == "engine" and find_engine() is None:
        pytest.skip("neither docker nor podman answers on this machine")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "process":
            patch.setenv(VARIABLE, "none")
        yield request.param


@pytest.fixture(scope="module")
def published(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """An AWS that holds the toy function's image as toy:one, and the server's as toy:server."""
    folder = tmp_path_factory.mktemp(kind)
    local = LocalAws(state_root(folder / "root"))
    found = Published(local, local.start(free_port()), context(folder / "context"))
    code = found.context / "serving" / "aws_lambda"
    code.mkdir()
    (code / "__init__.py").write_text("")
    (code / "handler.py").write_text(HANDLER)
    (code / "other.py").write_text(OTHER)
    (found.context / "model").mkdir()
    (found.context / "model" / "model.txt").write_text("seven")
    shutil.copy(ROOT / "model_code/serving/requirements-lambda-runtime.txt", found.context / "serving")
    found.prepare()
    # An engine builds for a while, and what it does with a server's image is the image's business.
    stages = {"one": "lambda"} if kind == "engine" else {"one": "lambda", "server": "server"}
    succeeded(found.login())
    for tag, stage in stages.items():
        succeeded(found.build(f"cdkasset-{tag}", "--target", stage))
        succeeded(found.push(tag, f"cdkasset-{tag}"))
    yield found
    local.stop()
    assert local.left_in_engine() == []


def succeeded(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def functions(published: Published) -> FunctionsToy:
    return FunctionsToy(published.boto)


@pytest.fixture(scope="module")
def image(functions: FunctionsToy) -> str:
    return create(functions, "image")


def create(functions: FunctionsToy, name: str, tag: str = "one", **more: object) -> str:
    functions.aws.create_function(
        FunctionName=name, PackageType="Image", Role=functions.role, Timeout=20, MemorySize=256,
        Code={"ImageUri": f"{HOST}/toy:{tag}"}, **more,
    )  # fmt: skip
    functions.settled(name)
    return name


def test_an_image_answers_with_its_own_command_and_lambdas_variables(
    functions: FunctionsToy, image: str, kind: str
) -> None:
    told = functions.ask(image, {"a": 1})

    assert told.error is None, told
    seen = told.payload["environment"]
    assert told.payload["event"] == {"a": 1}
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "image"
    assert seen["OMP_NUM_THREADS"] == "1"
    assert seen["SM_MODEL_DIR"].endswith("/model")
    assert "Init Duration" in told.log
    assert "handled None" in functions.lines("/aws/lambda/image", 4)
    assert (told.payload["cwd"] == "/opt/slipway") == (kind == "engine")


def test_a_command_of_the_function_takes_the_images_place(functions: FunctionsToy) -> None:
    create(functions, "commanded", ImageConfig={"Command": ["serving.aws_lambda.other.handler"]})

    told = functions.ask("commanded")

    assert (told.error, told.payload) == (None, "other")


def test_more_memory_than_the_function_has_ends_the_container(functions: FunctionsToy, image: str) -> None:
    engine = find_engine()
    if engine and not engine.limits_memory:
        pytest.skip(f"{engine.name} cannot limit memory here")
    told = functions.ask(image, {"do": "allocate", "mb": 600})
    after = functions.ask(image)

    assert told.payload["errorMessage"].endswith("Runtime exited with error: signal: killed")
    assert after.error is None


def test_a_killed_image_is_started_again(functions: FunctionsToy, image: str) -> None:
    killed, after = functions.ask(image, {"do": "exit"}), functions.ask(image)

    assert killed.payload["errorType"] == "Runtime.ExitError"
    assert after.error is None


def test_an_image_that_asks_for_no_events_does_not_start(functions: FunctionsToy, kind: str) -> None:
    if kind == "process":
        create(functions, "server", "server")
        told = functions.ask("server")
        assert "does not ask Lambda's Runtime API" in told.payload["errorMessage"]


def test_an_image_of_another_architecture_does_not_start(functions: FunctionsToy, kind: str) -> None:
    if kind == "engine":
        create(functions, "server", Architectures=["arm64"])
        told = functions.ask("server")
        assert told.payload["errorType"] == "Runtime.InvalidEntrypoint"
        assert told.payload["errorMessage"].endswith("exec format error")


def test_an_image_that_is_not_there_is_refused(functions: FunctionsToy) -> None:
    with pytest.raises(ClientError, match=r"does not exist\. Provide a valid source image"):
        create(functions, "absent", "absent")


def test_nothing_is_left_of_an_image(functions: FunctionsToy, published: Published, image: str) -> None:
    functions.ask(image)
    for name in ("image", "commanded", "server"):
        if name in _names(functions):
            functions.aws.delete_function(FunctionName=name)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        left = published.local.inventory()
        held = [entry for entry in left.resources if entry.kind in ("container", "image")]
        if not (left.processes or left.files or left.ports or held):
            break
        time.sleep(0.1)

    assert (left.processes, left.files, left.ports, held) == ((), (), (), [])


def _names(functions: FunctionsToy) -> list[str]:
    return [entry["FunctionName"] for entry in functions.aws.list_functions()["Functions"]]
