"""All 13 features of wine, from its container image, where there is no engine: as the process it defines."""

from __future__ import annotations

import json
import shutil

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.deployment import deploy
from slipway.direct import delete_stacks, deployed_stacks
from slipway.ports import free_port
from slipway.removal import local_remains, remains_after_stop
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
    path = tmp_path / "model_code" / "wine" / "model.toml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("features")))
    settings, story = load_settings(tmp_path, IMAGE), Story()
    golden = train(tmp_path, settings.models[0]).manifest["golden"]
    row, expected = golden["rows"][0], golden["predictions"][0]
    local = LocalAws(tmp_path)
    port = free_port()
    try:
        aws = Aws.local(settings.stage, local.start(port))
        replay = deploy(project, aws, settings.models, IMAGE, story, direct=True)["wine"]["champion"]
        outputs = aws.outputs("wine")
        about = aws.client("lambda").get_function_configuration(
            FunctionName=outputs["FunctionName"], Qualifier="live"
        )
        line = json.dumps({"data": ",".join(str(cell) for cell in row)})
        answer = Api(outputs["ApiUrl"]).send("POST", "classify", line, {"Content-Type": "application/json"})
        before = local.inventory()
        delete_stacks(aws, deployed_stacks(aws, "local"), story)
        left = local_remains(local).left_behind
    finally:
        local.stop()
    assert (replay.agreement, about["PackageType"]) == (1.0, "Image")
    assert (len(row), answer.json) == (13, {"prediction": str(expected)})
    assert [*left, *remains_after_stop(local, before, port)] == []
