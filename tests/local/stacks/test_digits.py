"""digits from its own image: a challenger, a shadow, another mode, and a model that was altered."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.cdk import stacks_of
from slipway.deployment import Replays, deploy
from slipway.errors import DeployFailed
from slipway.ports import free_port
from slipway.project import Project
from slipway.removal import destroy_stacks, local_remains, remains_after_stop
from slipway.story import Story
from slipway.tour import shadow_copies
from slipway.traffic import move, shares
from slipway.verify import client_for
from stacks.settings import load_settings
from tests.local.signed import Door
from tests.local.stacks.conftest import ROOT, Deployed, make_project
from training.artifact import load_artifact, pack, sha256
from training.import_model import import_model

ENDPOINT = "slipway-local-digits"
CHAMPION_AND_SHADOW = '[{name="champion",version="previous"},{name="shadow",version="latest"}]'
ALONE = '[{name="champion",version="latest"}]'
REQUESTS = 10_000


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """digits alone, champion and challenger, put there by `cdk deploy` and taken away by `cdk destroy`."""
    project = make_project(tmp_path_factory.mktemp("digits"))
    import_digits(project, tmp_path_factory.mktemp("elsewhere"))
    settings, story = load_settings(project.root), Story()
    local = LocalAws(project.root)
    port = free_port()
    try:
        aws = Aws.local(settings.stage, local.start(port))
        deploy(project, aws, settings.models, {}, story, direct=False)
        yield Deployed(project, settings, local, aws, story)

        before = local.inventory()
        destroy_stacks(project, aws, stacks_of("local", ["digits"]), story)
        left = local_remains(local).left_behind
    finally:
        local.stop()
    assert before.processes
    assert [*left, *remains_after_stop(local, before, port)] == []


def import_digits(project: Project, elsewhere: Path) -> None:
    """Put digits in the place of iris: train two models outside, and import both."""
    shutil.rmtree(project.root / "model_code" / "iris")
    shutil.copytree(ROOT / "model_code" / "digits", project.root / "model_code" / "digits")
    script = project.root / "model_code" / "digits" / "elsewhere.py"
    subprocess.run([sys.executable, script, elsewhere], check=True, capture_output=True)
    model = load_settings(project.root).models[0]
    for path in sorted(elsewhere.iterdir()):
        import_model(project.root, model, path)


def door(deployed: Deployed, endpoint: str = ENDPOINT, **headers: str) -> Door:
    """One golden row, signed once."""
    artifact = load_artifact(deployed.project.root, "digits", "latest")
    body = json.dumps(artifact.manifest["golden"]["rows"][:1]).encode()
    assert deployed.aws.endpoint_url
    return Door(deployed.aws.endpoint_url, endpoint, body, **{"Content-Type": "application/json", **headers})


def redeploy(deployed: Deployed, **context: str) -> Replays:
    """Deploy with the driver of the inner loop."""
    settings = load_settings(deployed.project.root, {"models": "digits", **context})
    given = {"models": "digits", **context}
    return deploy(deployed.project, deployed.aws, settings.models, given, deployed.story, direct=True)


def test_ten_thousand_requests_are_shared_as_the_weights_say(digits):
    sent = door(digits).send(REQUESTS)

    assert sent.failures == []
    deviation = math.sqrt(REQUESTS * 0.9 * 0.1)
    assert abs(sent.variants["champion"] - 0.9 * REQUESTS) < 3 * deviation
    assert sent.variants["champion"] + sent.variants["challenger"] == REQUESTS


def test_the_answer_names_the_variant_and_the_version_that_gave_it(digits):
    client = client_for(digits.aws, "digits")
    row = b"0," * 63 + b"0"

    for variant, version in (("champion", "previous"), ("challenger", "latest")):
        answer = client.answer(row, "text/csv", variant=variant)
        expected = load_artifact(digits.project.root, "digits", version).version
        assert (answer.variant, answer.version) == (variant, expected)


def test_a_challenger_of_weight_zero_answers_only_who_asks_for_it(digits):
    move(digits.aws, ENDPOINT, {"champion": 90, "challenger": 0})
    try:
        assert shares(digits.aws, ENDPOINT) == {"champion": 1, "challenger": 0}
        assert door(digits).send(2000).variants == {"champion": 2000}
        asked = door(digits, **{"X-Amzn-SageMaker-Target-Variant": "challenger"}).send(8)
        assert asked.variants == {"challenger": 8}
    finally:
        move(digits.aws, ENDPOINT, {"champion": 90, "challenger": 10})


def test_the_image_is_in_the_stages_repository_and_scanned_when_it_is_pushed(digits):
    ecr = digits.aws.client("ecr")

    repository = ecr.describe_repositories(repositoryNames=["slipway-local"])["repositories"][0]
    images = ecr.describe_images(repositoryName="slipway-local")["imageDetails"]

    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"]["scanOnPush"] is True
    assert len(images) == 1, "champion and challenger run on the same engine, so on the same image"


def test_a_shadow_gets_a_copy_of_each_request_and_its_crash_changes_no_answer(digits):
    replays = redeploy(digits, **{"digits.serve.variants": CHAMPION_AND_SHADOW})["digits"]
    assert list(replays) == ["champion"]
    before = settled_copies(digits)  # the replay's own

    sent = door(digits).send(1000)
    assert sent.variants == {"champion": 1000} and sent.failures == []
    assert shadow_copies(digits.aws, "digits", before + 1000) == before + 1000

    # A copy can be under way still, which would be counted below.
    for process in shadow_processes(digits):
        os.kill(process, signal.SIGKILL)
    sent = door(digits).send(1000)
    assert sent.variants == {"champion": 1000} and sent.failures == []


def settled_copies(deployed: Deployed) -> int:
    """How many copies there are once no more are counted: metrics come every now and then."""
    seen, found = -1, 0
    while seen != found:
        seen, found = found, shadow_copies(deployed.aws, "digits", 1)
        time.sleep(3)
    return found


def shadow_processes(deployed: Deployed) -> list[int]:
    """The processes of the shadow, in a container or not: those that were started with its name."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if b"SLIPWAY_VARIANT=shadow" in environ.read_bytes():
                found.append(int(environ.parent.name))
        except OSError:
            continue
    assert found
    return found


def test_the_same_model_is_served_without_servers_under_a_name_of_its_own(digits):
    redeploy(digits, **{"digits.serve.target": "sagemaker-serverless", "digits.serve.variants": ALONE})
    outputs = digits.aws.outputs("digits")
    runtime = digits.aws.client("sagemaker-runtime")

    assert outputs["EndpointName"] == f"{ENDPOINT}-serverless"
    found = digits.aws.client("sagemaker").describe_endpoint(EndpointName=outputs["EndpointName"])
    assert "CurrentServerlessConfig" in found["ProductionVariants"][0]
    with pytest.raises(runtime.exceptions.ClientError, match="not found"):
        runtime.invoke_endpoint(EndpointName=ENDPOINT, Body=b"[[0]]")
    with pytest.raises(runtime.exceptions.ClientError, match=r"length|size|bytes"):
        runtime.invoke_endpoint(EndpointName=outputs["EndpointName"], Body=b"0" * (4 * 1024 * 1024 + 1))
    redeploy(digits)  # and back: another endpoint again


def test_a_model_with_one_byte_changed_does_not_go_into_service(digits):
    settings = load_settings(digits.project.root, {"models": "digits"})
    with altered_model(digits.project) as version:
        context = {"models": "digits", "digits.serve.variants": f'[{{name="champion",version="{version}"}}]'}
        altered = load_settings(digits.project.root, context)
        with pytest.raises(DeployFailed, match="model_not_verified") as failure:
            deploy(digits.project, digits.aws, altered.models, context, digits.story, direct=True)

    assert "model.onnx has sha256" in str(failure.value)
    status = digits.aws.stack_status("digits")
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert settings.models and door(digits).send(8).failures == []


@contextmanager
def altered_model(project: Project) -> Iterator[str]:
    """An artifact whose archive has another byte than its manifest says, under that archive's version."""
    artifact = load_artifact(project.root, "digits", "latest")
    with tarfile.open(artifact.archive) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}
    model = bytearray(files["model.onnx"])
    model[len(model) // 2] ^= 1
    archive = pack({**files, "model.onnx": bytes(model)})
    version = sha256(archive)[:12]
    folder = artifact.folder.parent / version
    folder.mkdir()
    (folder / "model.tar.gz").write_bytes(archive)
    shutil.copy(artifact.folder / "manifest.json", folder)
    yield version
    shutil.rmtree(folder)


def test_without_an_engine_the_same_definition_runs_as_a_process(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_ENGINE", "none")
    (tmp_path / "project").mkdir()
    project = make_project(tmp_path / "project")
    import_digits(project, tmp_path / "elsewhere")
    settings, story = load_settings(project.root), Story()
    local = LocalAws(project.root)
    port = free_port()
    try:
        aws = Aws.local(settings.stage, local.start(port))
        started = time.monotonic()
        replays = deploy(project, aws, settings.models, {}, story, direct=True)
        assert replays["digits"]["champion"].agreement == replays["digits"]["challenger"].agreement == 1.0
        assert time.monotonic() - started < 300
        before = local.inventory()
        destroy_stacks(project, aws, stacks_of("local", ["digits"]), story)
        left = local_remains(local).left_behind
    finally:
        local.stop()
    assert [*left, *remains_after_stop(local, before, port)] == []
