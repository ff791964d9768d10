"""The built-in XGBoost image: kinds of models, what a batch transform changes, what cannot be loaded."""

import json
import pickle
import struct

import numpy as np
import pytest
import xgboost as xgb

from tests.contract.xgboost_image import CSV, ROWS, serving, train

MATRIX = xgb.DMatrix(ROWS)
SOFTPROB = train("multi:softprob")
PROBABILITIES = SOFTPROB.predict(MATRIX).tolist()


def test_classes_with_probabilities_are_a_row_of_them(tmp_path) -> None:
    with serving(tmp_path, {"xgboost-model": SOFTPROB}) as server:
        rows = "".join(",".join(map(str, row)) + "\n" for row in PROBABILITIES)
        assert server.invoke(CSV).text == rows
        answer = json.loads(server.invoke(CSV, accept="application/json").text)
        assert answer == {"predictions": [{"score": row} for row in PROBABILITIES]}


def test_classes_are_floats(tmp_path) -> None:
    model = train("multi:softmax")
    with serving(tmp_path, {"xgboost-model": model}) as server:
        assert server.invoke(CSV).text == "".join(f"{value}\n" for value in model.predict(MATRIX).tolist())


def test_a_transform_gets_lists_whatever_it_accepts(tmp_path) -> None:
    with serving(tmp_path, {"xgboost-model": SOFTPROB}, SAGEMAKER_BATCH="false") as server:
        answer = server.invoke(CSV, accept="application/json")
        assert answer.content_type == "application/json"
        assert answer.text == "".join(f"{row}\n" for row in PROBABILITIES)


def test_every_top_level_file_is_a_model_and_their_predictions_are_averaged(tmp_path) -> None:
    models = [train("reg:squarederror", seed=seed) for seed in range(2)]
    files = {"fold-0": models[0], "fold-1": models[1], ".hidden": b"no model", "code/notes.txt": b"no model"}
    with serving(tmp_path / "both", files) as server:
        mean = np.mean([model.predict(MATRIX) for model in models], axis=0)
        assert server.invoke(CSV).text == "".join(f"{value}\n" for value in mean.tolist())
    with serving(tmp_path / "first", files, SAGEMAKER_INFERENCE_ENSEMBLE="false") as server:
        assert server.invoke(CSV).text == "".join(
            f"{value}\n" for value in models[0].predict(MATRIX).tolist()
        )


def test_an_ensemble_of_classes_votes(tmp_path) -> None:
    one, other = train("multi:softmax", seed=0), train("multi:softmax", seed=1)
    models = {"fold-0": one, "fold-1": other, "fold-2": other}
    with serving(tmp_path, models) as server:
        majority = other.predict(MATRIX).tolist()
        assert server.invoke(CSV).text == "".join(f"{value}\n" for value in majority)


@pytest.mark.parametrize("content", [b'{"about": "this model"}', pickle.dumps({"no": "booster"})])
def test_a_file_that_is_no_booster_is_said_at_ping_and_at_invocations(tmp_path, content: bytes) -> None:
    with serving(tmp_path, {"xgboost-model": SOFTPROB, "metadata.json": content}) as server:
        assert server.call("GET", "/ping").status == 500
        answer = server.invoke(CSV)
        assert answer.status == 500
        assert answer.text.startswith(
            "Unable to load model: Model /opt/ml/model/metadata.json cannot be loaded:"
        )
        assert "nothing is unpickled" in answer.text


def test_a_pickle_does_not_run(tmp_path) -> None:
    trap = tmp_path / "trap"

    class Trap:
        def __reduce__(self):
            return trap.mkdir, ()

    with serving(tmp_path / "server", {"xgboost-model": pickle.dumps(Trap())}) as server:
        assert server.invoke(CSV).status == 500
    assert not trap.exists()


def test_no_model_at_all_is_500(tmp_path) -> None:
    with serving(tmp_path, {}) as server:
        answer = server.invoke(CSV)
        assert (answer.status, answer.text) == (500, "Unable to load model: list index out of range")


@pytest.mark.parametrize("variable", ["SAGEMAKER_PROGRAM", "SAGEMAKER_MULTI_MODEL"])
def test_script_mode_and_many_models_are_refused_at_start(tmp_path, variable: str) -> None:
    with (
        pytest.raises(RuntimeError, match=f"{variable}=.* works in AWS's image only"),
        serving(tmp_path, {"xgboost-model": SOFTPROB}, **{variable: "inference.py"}),
    ):
        pass


SELECTED = "predicted_label, probability,probabilities,labels"


def test_selected_content_of_classes(tmp_path) -> None:
    model = train("binary:logistic")
    with serving(tmp_path, {"xgboost-model": model}, SAGEMAKER_INFERENCE_OUTPUT=SELECTED) as server:
        first = model.predict(MATRIX)[0].item()
        label, both = int(first > 0.5), [1.0 - first, first]
        csv = server.invoke(CSV).text
        assert csv.split("\n")[0] == f'{label},{first},"{both}","[0, 1]"'
        assert not csv.endswith("\n")
        told = {"predicted_label": label, "labels": [0, 1], "probability": first, "probabilities": both}
        assert json.loads(server.invoke(CSV, accept="application/json").text)["predictions"][0] == told
        lines = server.invoke(CSV, accept="application/jsonlines")
        assert lines.content_type == "application/jsonlines"
        assert json.loads(lines.text.split("\n")[0]) == told
        record = server.invoke(CSV, accept="application/x-recordio-protobuf").body
        magic, length = struct.unpack("<II", record[:8])
        assert magic == 0xCED7230A
        assert struct.pack("<2f", *both) in record[8 : 8 + length]


def test_content_that_an_objective_has_not_is_not_a_number(tmp_path) -> None:
    model = train("reg:squarederror")
    variables = {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_score,labels", "SAGEMAKER_BATCH": "1"}
    with serving(tmp_path, {"xgboost-model": model}, **variables) as server:
        scores = model.predict(MATRIX).tolist()
        assert server.invoke(CSV).text == "".join(f"{score},nan\n" for score in scores)
        assert '"labels": NaN' in server.invoke(CSV, accept="application/json").text


def test_an_objective_without_selectable_content_is_500(tmp_path) -> None:
    with serving(
        tmp_path, {"xgboost-model": train("count:poisson")}, SAGEMAKER_INFERENCE_OUTPUT="predicted_score"
    ) as server:
        answer = server.invoke(CSV)
        assert answer.status == 500
        assert answer.text == "Objective `count:poisson` unsupported for selectable inference predictions."
