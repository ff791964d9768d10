"""A model with categories and missing values, from its CSV to the answers of both servers of script mode.

`slipway train` and `slipway serve` as a person runs them; the one server is ours, the other AWS's own code.
"""

from __future__ import annotations

import http.client
import io
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from model_code.serving.csv_cells import line_of
from slipway.verify import agrees
from tests.local.conftest import free_port, state_root

ROOT = Path(__file__).parents[2]
CITIES = ("Bonn", "Köln, Süd", 'Ulm "Mitte"|1')
JSON, CSV, LINES, NPY = "application/json", "text/csv", "application/jsonlines", "application/x-npy"
TRAIN = """
import os
from pathlib import Path
import joblib, pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
table = pd.read_csv(Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv")
columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), [2]), (SimpleImputer(add_indicator=True), [0, 1])
)
model = {model}
model.fit(table.drop(columns="price").to_numpy(), table["price"])
joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")
"""
# The first converts to ONNX; the second stays with scikit-learn.
ESTIMATORS = {
    "boosting": ("onnx", "HistGradientBoostingRegressor(max_iter=20, random_state=0)"),
    "imputer": ("sklearn", "make_pipeline(columns, LinearRegression())"),
}


def npy(rows: list[list[float]]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(rows))
    return stream.getvalue()


GOOD = [
    (JSON, '[[70.5, 3, "Bonn"], [null, null, null]]'),
    (JSON, '{"instances": [{"city": "Köln, Süd"}, {"area": 50, "rooms": 2, "city": null}]}'),
    (LINES, '[1, 2, "Bonn"]\n[null, 2, "Bonn"]\n'),
    (CSV, '70.5,3,"Köln, Süd"|,,"Ulm ""Mitte""|1"\n,,'),
    (NPY, npy([[70.5, 3, 0], [np.nan, np.nan, np.nan]])),
]
BAD = [
    (JSON, '[[70.5, 3, "Bon"]]', 422, "unknown_category"),
    (JSON, "[[70.5, 3, 1]]", 422, "unknown_category"),
    (CSV, '70.5,3,"Ulm"', 422, "unknown_category"),
    (NPY, npy([[70.5, 3, 3]]), 422, "unknown_category"),
    (JSON, '[[70.5, "3", "Bonn"]]', 400, "not_a_number"),
    (JSON, '[[NaN, 3, "Bonn"]]', 400, "not_finite"),
    (JSON, '[{"city": "Bonn", "town": 1}]', 400, "unknown_column"),
    (CSV, "nan,3,Bonn", 400, "not_finite"),
    (CSV, "70.5,3", 400, "wrong_column_count"),
    (CSV, "area,rooms,city\n70.5,3,Bonn", 400, "not_a_number"),
]


def slipway(root: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "slipway.main", *arguments]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module", params=list(ESTIMATORS))
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one trained model."""
    root = state_root(tmp_path_factory.mktemp("flats") / "root")
    shutil.copy(ROOT / "stages.toml", root)
    shutil.copytree(
        ROOT / "model_code" / "serving",
        root / "model_code" / "serving",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    folder = root / "model_code" / "flats"
    folder.mkdir()
    random = np.random.default_rng(0)
    lines = ["area,rooms,city,price"]
    for number in range(300):
        area, rooms, city = (
            float(random.normal(70, 9)),
            int(random.integers(1, 6)),
            int(random.integers(0, 3)),
        )
        price = 10 * area + 50 * rooms + 100 * city
        cells = (
            None if number % 7 == 0 else round(area, 1),
            None if number % 5 == 0 else rooms,
            None if number % 11 == 0 else CITIES[city],
        )
        lines.append(f"{line_of(cells)},{price:.1f}")
    (folder / "flats.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "train.py").write_text(TRAIN.format(model=ESTIMATORS[request.param][1]))
    (folder / "model.toml").write_text(
        '[model]\ntask = "regression"\ndata = "flats.csv"\nlabel = "price"\ncategories = ["city"]\n'
        "missing_values = true\n[gate]\nr2 = 0.3\n"
    )
    slipway(root, "train", "flats")
    assert manifest_of(root)["engine"]["name"] == ESTIMATORS[request.param][0]
    return root


def manifest_of(root: Path) -> dict:
    home = root / "artifacts" / "flats"
    return json.loads((home / (home / "latest").read_text().strip() / "manifest.json").read_text())


@contextmanager
def served(root: Path, setting: str) -> Iterator[int]:
    """Run `slipway serve` with a setting of [serve] until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "slipway.main", "serve", "flats", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--set", f"serve.{setting}"], cwd=root, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "is served on" in line:
                break
        else:
            raise AssertionError("".join(said))
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.fixture(scope="module")
def ports(project: Path) -> Iterator[tuple[int, int]]:
    """Our server's port, and that of AWS's scikit-learn stack."""
    # Behind an API it is our server as well, whatever the image of an endpoint would be.
    with served(project, "target=lambda") as own, served(project, "image=sklearn") as script_mode:
        yield own, script_mode


def ask(port: int, body: str | bytes, content_type: str) -> tuple[int, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        content = body.encode() if isinstance(body, str) else body
        connection.request("POST", "/invocations", content, {"Content-Type": content_type, "Accept": JSON})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize(("content_type", "body"), GOOD)
def test_both_servers_give_the_same_predictions(ports, project, content_type, body):
    tolerance = manifest_of(project)["engine"]["agreement"]["tolerance"]

    (status, ours), (their_status, theirs) = (ask(port, body, content_type) for port in ports)

    assert (status, their_status) == (200, 200), (ours, theirs)
    if isinstance(ours, dict):
        ours, theirs = ours["predictions"], theirs["predictions"]
    assert len(ours) == len(theirs) > 1
    assert all(agrees(one, other, tolerance) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(("content_type", "body", "status", "code"), BAD)
def test_both_servers_refuse_with_the_same_words(ports, content_type, body, status, code):
    ours, theirs = (ask(port, body, content_type) for port in ports)

    assert ours == theirs
    assert (ours[0], ours[1]["error"]["code"]) == (status, code)
    assert ours[1]["error"]["row"] == 1


def test_the_golden_rows_are_as_a_person_would_send_them_and_replay(ports, project):
    manifest = manifest_of(project)
    golden = manifest["golden"]
    cells = [cell for row in golden["rows"] for cell in row]
    assert None in cells and set(CITIES) <= set(cells)

    for port in ports:
        for body, kind in (
            (json.dumps(golden["rows"]), JSON),
            ("\n".join(map(line_of, golden["rows"])), CSV),
        ):
            status, answers = ask(port, body, kind)
            assert status == 200
            tolerance = manifest["engine"]["agreement"]["tolerance"]
            assert all(agrees(*pair, tolerance) for pair in zip(answers, golden["predictions"], strict=True))


def test_the_description_says_what_may_be_null_and_which_texts_there_are(ports):
    connection = http.client.HTTPConnection("127.0.0.1", ports[0], timeout=60)
    connection.request("GET", "/openapi.json")
    schema = json.loads(connection.getresponse().read())
    connection.close()
    invocation = schema["paths"]["/invocations"]["post"]
    rows, _ = invocation["requestBody"]["content"][JSON]["schema"]["oneOf"]
    named = rows["oneOf"][1]["items"]

    assert named["properties"]["city"]["enum"] == [*CITIES, None]
    assert named["properties"]["area"]["type"] == ["number", "null"]
    assert named["required"] == []
    assert "422" in invocation["responses"]
    assert "whole numbers" in named["properties"]["rooms"]["description"]
