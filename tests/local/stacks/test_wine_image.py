"""wine from its container image, where there is no engine: as the process that the Dockerfile defines."""

from __future__ import annotations

import shutil

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.cdk import stacks_of
from slipway.deployment import deploy
from slipway.ports import free_port
from slipway.removal import destroy_stacks, local_remains, remains_after_stop
from slipway.story import Story
from stacks.settings import load_settings
from tests.local.api import Api
from tests.local.stacks.conftest import ROOT, make_project
from training.train import train

IMAGE = {"models": "wine", "wine.serve.package": "image"}


def test_without_an_engine_the_image_of_a_function_runs_as_the_process_it_defines(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_ENGINE", "none")
    project = make_project(tmp_path)
    shutil.rmtree(tmp_path / "model_code" / "iris")
    shutil.copytree(ROOT / "model_code" / "wine", tmp_path / "model_code" / "wine")
    settings, story = load_settings(tmp_path, IMAGE), Story()
    train(tmp_path, settings.models[0])
    local = LocalAws(tmp_path)
    port = free_port()
    try:
        aws = Aws.local(settings.stage, local.start(port))
        replay = deploy(project, aws, settings.models, IMAGE, story, direct=True)["wine"]["champion"]
        outputs = aws.outputs("wine")
        about = aws.client("lambda").get_function_configuration(
            FunctionName=outputs["FunctionName"], Qualifier="live"
        )
        answer = Api(outputs["ApiUrl"]).send(
            "POST", "classify", '{"data": ".10"}', {"Content-Type": "application/json"}
        )
        before = local.inventory()
        destroy_stacks(project, aws, stacks_of("local", ["wine"]), story)
        left = local_remains(local).left_behind
    finally:
        local.stop()
    assert (replay.agreement, about["PackageType"]) == (1.0, "Image")
    assert answer.body == b'{"prediction": "1"}'
    assert [*left, *remains_after_stop(local, before, port)] == []
