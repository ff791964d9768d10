"""Models from elsewhere that do not fit are refused with the reason, and nothing is written."""

import os
import zipfile

import numpy as np
import onnx
import pytest
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from slipway.errors import GateFailed, ImportRefused
from tests.unit.foreign_models import (
    CODES,
    NAMES,
    ROWS,
    as_onnx,
    as_skops,
    bring,
    fitted,
    nothing_written,
)
from training.artifact import load_artifact


def two_inputs(path):
    names = [(f"c{n}", FloatTensorType([None, 1])) for n in range(4)]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(ROWS, NAMES)
    path.write_bytes(skl2onnx.convert_sklearn(model, initial_types=names).SerializeToString())


def probabilities_first(path):
    model = onnx.load_model(as_onnx(path))
    outputs = list(model.graph.output)[::-1]
    del model.graph.output[:]
    model.graph.output.extend(outputs)
    path.write_bytes(model.SerializeToString())


def weights_elsewhere(path):
    make = onnx.helper
    weights = onnx.numpy_helper.from_array(np.zeros((4, 1), np.float32), "W")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")
    graph = make.make_graph(
        [make.make_node("MatMul", ["X", "W"], ["Y"])],
        "g",
        [make.make_tensor_value_info("X", 1, [None, 4])],
        [make.make_tensor_value_info("Y", 1, [None, 1])],
        [weights],
    )
    path.write_bytes(make.make_model(graph).SerializeToString())


def unknown_operator(path):
    model = onnx.load_model(as_onnx(path))
    model.graph.node[0].op_type = "Nonsense"
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: as_onnx(path, fitted(rows=ROWS[:, :3]), shape=(None, 3)), "its input 'X' is any × 3"),
        (lambda path: as_onnx(path, shape=(1, 4)), "takes 1 rows at a time"),
        (lambda path: as_onnx(path, kind=Int64TensorType), "'X' of m.onnx is of type int64"),
        (two_inputs, "has 4 inputs: c0, c1, c2, c3"),
        (lambda path: as_onnx(path, fitted(CODES)), "is of type int64.*label_codes"),
        (lambda path: as_onnx(path, LinearRegression().fit(ROWS, CODES)), "is of type float"),
        (probabilities_first, "is of type sequence.*labels first"),
        (
            lambda path: as_onnx(path, fitted(np.char.upper(NAMES.astype(str)))),
            "'SETOSA'.*no row of the data",
        ),
        (weights_elsewhere, "keeps its weights in other files"),
        (unknown_operator, "no valid ONNX model"),
        (lambda path: path.write_bytes(b"hello" * 99), "no model that is known here"),
        (lambda path: path.write_bytes(b""), "no model that is known here"),
        (lambda path: as_skops(path), "is a skops file.*Rename it to .skops"),
    ],
)
def test_an_onnx_file_that_does_not_fit_is_told_and_nothing_is_written(irises, tmp_path, make, words):
    make(tmp_path / "m.onnx")

    with pytest.raises(ImportRefused, match=f"(?s){words}"):
        bring(irises, tmp_path / "m.onnx")

    assert nothing_written(irises)


class OwnForest(RandomForestClassifier):
    """A class that no container has."""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: as_skops(path, fitted(rows=ROWS[:, :3])), "another width: 3 features"),
        (lambda path: as_skops(path, StandardScaler().fit(ROWS)), "'StandardScaler', which predicts nothing"),
        (lambda path: as_skops(path, OwnForest(3).fit(ROWS, NAMES)), r"not scikit-learn's: .*OwnForest"),
        (lambda path: as_skops(path, os.system), r"not scikit-learn's: posix\.system"),
        (lambda path: zipfile.ZipFile(path, "w").writestr("a", "b"), "a zip archive without a model"),
        (lambda path: zipfile.ZipFile(path, "w").writestr("schema.json", "{}"), "cannot be read as skops"),
    ],
)
def test_a_skops_file_that_does_not_fit_is_told_and_nothing_is_written(irises, tmp_path, make, words):
    make(tmp_path / "m.skops")

    with pytest.raises(ImportRefused, match=words):
        bring(irises, tmp_path / "m.skops")

    assert nothing_written(irises)


def test_a_model_fitted_on_other_columns_is_refused(irises, tmp_path):
    import pandas as pd

    swapped = pd.DataFrame(ROWS, columns=["petal_length", "petal_width", "sepal_length", "sepal_width"])
    as_skops(tmp_path / "m.skops", fitted(rows=swapped))

    with pytest.raises(ImportRefused, match="trained on other columns: 'petal_length'"):
        bring(irises, tmp_path / "m.skops")


def test_a_model_of_another_scikit_learn_is_refused(irises, tmp_path):
    path = as_skops(tmp_path / "m.skops")
    with zipfile.ZipFile(path) as given:
        parts = {name: given.read(name) for name in given.namelist()}
    assert b"1.9.0" in parts["schema.json"]
    parts["schema.json"] = parts["schema.json"].replace(b"1.9.0", b"1.2.0")
    with zipfile.ZipFile(path, "w") as changed:
        for name, data in parts.items():
            changed.writestr(name, data)

    with pytest.raises(ImportRefused, match=r"was written by scikit-learn 1\.2\.0"):
        bring(irises, path)


def test_a_model_below_the_gate_is_refused_and_the_one_before_stays(irises, tmp_path):
    before = bring(irises, as_onnx(tmp_path / "m.onnx")).version
    stump = DecisionTreeClassifier(max_depth=1).fit(ROWS, NAMES)

    with pytest.raises(GateFailed, match="asks for at least"):
        bring(irises, as_onnx(tmp_path / "weak.onnx", stump))

    assert load_artifact(irises, "irises").version == before


@pytest.mark.parametrize("name", ["m.h5", "m", "nowhere.onnx"])
def test_a_path_that_is_no_model_is_told(irises, tmp_path, name):
    with pytest.raises(ImportRefused):
        bring(irises, tmp_path / name)
