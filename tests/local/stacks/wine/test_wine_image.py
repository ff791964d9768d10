"""All 13 features of wine, and a regression with a category, from images that run as processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

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

IMAGE = {"wine.serve.package": "image", "flats.serve.package": "image"}
JSON = {"Content-Type": "application/json"}
FLATS = """
[model]
task = "regression"
data = "flats.csv"
label = "price"
categories = ["city"]
[serve]
target = "lambda"
"""
TRAIN = """
import os
from pathlib import Path
import joblib, pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
table = pd.read_csv(Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv")
columns = make_column_transformer((OneHotEncoder(sparse_output=False), [0]), remainder="passthrough")
model = make_pipeline(columns, HistGradientBoostingRegressor(max_iter=20, random_state=0))
model.fit(table.drop(columns="price").to_numpy(), table["price"])
joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")
"""


def add_models(root: Path) -> None:
    """wine without its line `features`, and a model that predicts a number from a city and an area."""
    shutil.rmtree(root / "model_code" / "iris")
    shutil.copytree(ROOT / "model_code" / "wine", root / "model_code" / "wine")
    settings = root / "model_code" / "wine" / "model.toml"
    lines = settings.read_text().splitlines(keepends=True)
    settings.write_text("".join(line for line in lines if not line.startswith("features")))
    folder = root / "model_code" / "flats"
    folder.mkdir()
    (folder / "model.toml").write_text(FLATS)
    (folder / "train.py").write_text(TRAIN)
    rows = [f"{('Bonn', 'Ulm')[n % 2]},{40 + n},{1000 + 37 * n}" for n in range(80)]
    (folder / "flats.csv").write_text("\n".join(["city,area,price", *rows]) + "\n")


def test_without_an_engine_the_image_of_a_function_runs_as_the_process_it_defines(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIPWAY_ENGINE", "none")
    project = make_project(tmp_path)
    add_models(tmp_path)
    settings, story = load_settings(tmp_path, IMAGE), Story()
    golden = [train(tmp_path, model) for model in settings.models][-1].manifest["golden"]
    row, expected = golden["rows"][0], golden["predictions"][0]
    local = LocalAws(tmp_path)
    port = free_port()
    try:
        aws = Aws.local(settings.stage, local.start(port))
        replays = deploy(project, aws, settings.models, IMAGE, story, direct=True)
        outputs = aws.outputs("wine")
        about = aws.client("lambda").get_function_configuration(
            FunctionName=outputs["FunctionName"], Qualifier="live"
        )
        line = json.dumps({"data": ",".join(str(cell) for cell in row)})
        answer = Api(outputs["ApiUrl"]).send("POST", "classify", line, JSON)
        flats = Api(aws.outputs("flats")["ApiUrl"])
        number = flats.send("POST", "predict", '[["Ulm", 60]]', JSON)
        unknown = flats.send("POST", "predict", '[["Ulm", 60], ["Rome", 60]]', JSON)
        no_class = flats.send("POST", "classify", '{"data": "Ulm,60"}', JSON)
        before = local.inventory()
        delete_stacks(aws, deployed_stacks(aws, "local"), story)
        left = local_remains(local).left_behind
    finally:
        local.stop()
    assert [replay["champion"].agreement for replay in replays.values()] == [1.0, 1.0]
    assert about["PackageType"] == "Image"
    assert (len(row), answer.json) == (13, {"prediction": str(expected)})
    assert isinstance(number.json[0], float)
    error = unknown.json["error"]
    assert (unknown.status, error["row"], error["column"]) == (422, 2, "city")
    assert (no_class.status, no_class.json["error"]["code"]) == (403, "missing_authentication_token")
    assert [*left, *remains_after_stop(local, before, port)] == []
