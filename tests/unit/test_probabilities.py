"""Probabilities of a loaded model, and at a door."""

import json

import numpy as np
import pytest

from model_code.serving.doors.probabilities import probabilities
from model_code.serving.doors.served import Served, load
from model_code.serving.errors import RequestError
from tests.server.models import model, with_hooks
from tests.server.more_models import boosted, codes

TELLING = {
    "ONNX": lambda: model("logistic"),
    "ONNX, integers": codes,
    "scikit-learn": lambda: model("forest"),
    "XGBoost": boosted,
}


def served(folder):
    found = load(folder.path, folder.sha256, None)
    assert isinstance(found, Served), found
    return found


@pytest.mark.parametrize("name", TELLING)
def test_they_are_of_the_classes_and_name_what_is_predicted(name):
    door = served(TELLING[name]())
    rows = door.manifest["golden"]["rows"]

    answer = probabilities(door, json.dumps({"instances": rows}), None, None)

    told = json.loads(answer.body)
    assert told["predictions"] == json.loads(
        json.dumps(door.model.predict(door.model.signature.matrix(rows)))
    )
    classes = [str(each) for each in door.manifest["signature"]["prediction"]["classes"]]
    for prediction, shares in zip(told["predictions"], told["probabilities"], strict=True):
        assert list(shares) == classes
        assert sum(shares.values()) == pytest.approx(1, abs=1e-6)
        assert shares[str(prediction)] == max(shares.values())


def test_many_rows_are_told_as_each_of_them_alone():
    found = served(model("logistic")).model
    matrix = np.tile(found.signature.matrix([[5.1, 3.5, 1.4, 0.2], [6.5, 3.0, 5.2, 2.0]]), (2500, 1))

    predictions, shares = found.with_probabilities(matrix)

    assert predictions == ["setosa", "virginica"] * 2500
    assert shares[:2] == shares[4998:]
    assert len({json.dumps(each) for each in shares}) == 2


@pytest.mark.parametrize("kind", ["mixed", "regression"])
def test_a_model_without_them_says_why(kind):
    door = served(model(kind))

    with pytest.raises(RequestError, match="tells no probabilities") as raised:
        probabilities(door, b"[[1, 2, 3, 4]]", None, None)
    assert (raised.value.status, raised.value.code) == (404, "no_probabilities")
    if kind == "mixed":
        assert "the test says so" in raised.value.message


def test_a_model_with_hooks_of_its_own_tells_none(tmp_path):
    door = served(with_hooks(tmp_path / "hooks", "from serving.script_mode import *\n"))

    with pytest.raises(RequestError, match="of its own"):
        probabilities(door, b"[[1, 2, 3, 4]]", None, None)


def test_they_are_json_alone():
    door = served(model("logistic"))

    with pytest.raises(RequestError) as raised:
        probabilities(door, b"[[1, 2, 3, 4]]", None, "text/csv")
    assert raised.value.status == 406
