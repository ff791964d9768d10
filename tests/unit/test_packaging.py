"""Packaging: which engine, why, and in which bytes."""

import io
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from xgboost import XGBClassifier

from slipway.errors import NoEngine
from stacks.settings import load_model
from training.agreement import Answers, compare, measure
from training.engines import package, packages_of
from training.onnx_form import to_onnx
from training.skops_form import to_skops, unsafe_types
from training.train import train

ROOT = Path(__file__).parents[2]
SIGNATURE = {
    "features": [{"name": name, "type": "number"} for name in "abcd"],
    "prediction": {"name": "label", "type": "integer", "classes": [0, 1]},
}
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(400, 4))
LABELS = (ROWS[:, 0] + RANDOM.normal(size=400) > 0).astype(int)
OWN_CLASS = """
from sklearn.base import BaseEstimator, ClassifierMixin
class Mine(ClassifierMixin, BaseEstimator):
    def fit(self, rows, labels): self.answer_ = labels.iloc[0]; return self
    def predict(self, rows): return [self.answer_] * len(rows)
"""


def answers_of(model):
    return Answers(ROWS, model.predict(ROWS), "integer")


def test_training_writes_both_forms_and_says_which_engine_serves(project):
    artifact = train(project, load_model(project, "iris"))

    assert artifact.engine == "onnx"
    assert artifact.has_joblib
    assert {"model.joblib", "model.onnx"} <= artifact.manifest["files"].keys()
    assert artifact.manifest["hooks"] is False
    assert artifact.manifest["engine"] == {
        "name": "onnx",
        "file": "model.onnx",
        "trusted": [],
        "reason": "",
        "agreement": {"rows": 150, "labels": 1.0, "max_abs_difference": None, "tolerance": None},
        "probabilities": True,
        "no_probabilities": "",
    }


def test_a_model_folder_with_hooks_says_so(project):
    (project / "model_code/iris/inference.py").write_text("from serving.script_mode import *\n")

    assert train(project, load_model(project, "iris")).manifest["hooks"] is True


def test_a_model_onnx_does_not_take_is_served_by_scikit_learn_and_told(project):
    script = project / "model_code/iris/train.py"
    text = script.read_text()
    text = re.sub(r"LogisticRegression\(C=.*\)\n", "NearestCentroid()\n", text)
    script.write_text(
        text.replace("import joblib", "import joblib\nfrom sklearn.neighbors import NearestCentroid")
    )
    settings = load_model(project, "iris", {"gate.accuracy": 0.7})
    told = []

    artifact = train(project, settings, progress=told.append)

    assert artifact.engine == "sklearn"
    assert artifact.manifest["engine"]["reason"] == "skl2onnx has no converter for NearestCentroid"
    assert any("not ONNX, because skl2onnx has no converter for NearestCentroid" in line for line in told)
    assert train(project, settings).version == artifact.version


def test_a_forest_with_as_many_votes_for_as_against_labels_as_scikit_learn():
    forest = RandomForestClassifier(10, max_depth=None, random_state=0).fit(ROWS[:200], LABELS[:200])
    ties = np.isclose(forest.predict_proba(ROWS)[:, 1], 0.5)
    assert ties.sum() > 5

    packaged = package(forest, SIGNATURE, answers_of(forest))

    assert (packaged.name, packaged.agreement.labels) == ("onnx", 1.0)


def test_a_forest_gets_float32_and_compares_with_a_threshold_between_two_of_them():
    rows = np.array([[0.1], [0.1 + 1e-9], [0.2], [0.3]] * 5)
    forest = RandomForestClassifier(3, random_state=0).fit(rows, [0, 0, 1, 1] * 5)
    close = np.nextafter(np.float32(0.15), np.float32(1), dtype=np.float32).astype(float)
    asked = np.array([[0.15], [close], [0.1500000059], [0.2499999]])
    signature = {**SIGNATURE, "features": SIGNATURE["features"][:1]}

    agreement = measure(
        "model.onnx",
        to_onnx(forest, 1),
        {"name": "onnx", "file": "model.onnx"},
        signature,
        Answers(asked, forest.predict(asked), "integer"),
    )

    assert agreement.labels == 1.0


def test_what_computes_probabilities_is_apart_from_what_predicts():
    model = LogisticRegression().fit(ROWS, LABELS)
    answers = Answers(ROWS, model.predict(ROWS), "integer", model.predict_proba(ROWS))

    predicting, both = (
        onnx.load_model_from_string(content).graph
        for content in (to_onnx(model, 4), package(model, SIGNATURE, answers).content)
    )

    assert [entry.name for entry in both.input] == ["X"]
    assert (len(predicting.output), len(both.output)) == (1, 2)
    assert not {"Normalizer", "ZipMap"} & {node.op_type for node in predicting.node}
    assert "ZipMap" not in {node.op_type for node in both.node}
    # What the prediction needs is the same; only_execute_path_to_fetches leaves the rest out.
    assert needed(both, 0) == needed(predicting, 0)


def needed(graph, output):
    """Return the operators that an output depends on."""
    wanted, found = {graph.output[output].name}, []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            found.append(node.op_type)
    return found


def test_probabilities_that_are_not_trainings_are_not_served_and_told():
    model = KNeighborsClassifier(5).fit(ROWS[:200].round(1), LABELS[:200])
    probabilities = model.predict_proba(ROWS)
    probabilities[7] = probabilities[7][::-1] * 0.9
    answers = Answers(ROWS, model.predict(ROWS), "integer", probabilities)

    packaged = package(model, SIGNATURE, answers)

    assert not packaged.entry["probabilities"]
    assert "differ from training's by up to" in packaged.entry["no_probabilities"]
    assert "no probabilities, because the engine's differ" in packaged.summary()
    assert len(onnx.load_model_from_string(packaged.content).graph.output) == 1


def test_both_forms_have_the_same_bytes_in_every_process():
    script = (
        "import hashlib, sys\n"
        "from tests.unit.test_packaging import *\n"
        "models = [KNeighborsClassifier(), RandomForestClassifier(5, random_state=0), LogisticRegression()]\n"
        "models[int(sys.argv[1])].fit(ROWS, LABELS); to_onnx(models[int(sys.argv[1])], 4)\n"  # moves counters
        "for model in models:\n"
        "    model.fit(ROWS, LABELS)\n"
        "    told = Answers(ROWS, model.predict(ROWS), 'integer', model.predict_proba(ROWS))\n"
        "    content = package(model, SIGNATURE, told).content\n"
        "    print(hashlib.sha256(content + to_onnx(model, 4) + to_skops(model)).hexdigest())\n"
    )

    printed = {
        subprocess.run(
            [sys.executable, "-c", script, seed],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }

    assert len(printed) == 1


def test_skops_keeps_its_bytes_and_loads():
    model = KNeighborsClassifier().fit(ROWS, LABELS)

    content = to_skops(model)

    assert content == to_skops(model)
    loaded = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    assert (loaded.predict(ROWS) == model.predict(ROWS)).all()


def nodes_of(content):
    """The arrays of nodes in a skops file by name: how long the head is, and a row of bytes a node."""
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        files = {name: zipped.read(name) for name in zipped.namelist() if name.endswith(".npy")}
    for name, data in files.items():
        array = np.load(io.BytesIO(data))
        if array.dtype.names:
            head = len(data) - array.nbytes
            yield name, head, np.frombuffer(bytearray(data), np.uint8, offset=head).reshape(len(array), -1)


def test_no_byte_of_a_tree_is_what_lay_in_memory(monkeypatch):
    """As NumPy may write it: seven bytes a node are no field's."""
    model = RandomForestClassifier(5, random_state=0).fit(ROWS, LABELS)
    dumps = skops.io.dumps

    def rubbish(estimator):
        content = dumps(estimator)
        with zipfile.ZipFile(io.BytesIO(content)) as zipped:
            files = {name: zipped.read(name) for name in zipped.namelist()}
        for name, head, body in nodes_of(content):
            body[:, -7:] = 255
            files[name] = files[name][:head] + body.tobytes()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as zipped:
            for name, data in files.items():
                zipped.writestr(name, data)
        return buffer.getvalue()

    monkeypatch.setattr(skops.io, "dumps", rubbish)
    content = to_skops(model)

    assert [body[:, -7:].any() for _, _, body in nodes_of(content)] == [False] * 5
    loaded = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    assert (loaded.predict_proba(ROWS) == model.predict_proba(ROWS)).all()


def test_a_class_of_ones_own_is_refused_for_our_container_and_kept_for_awss(project):
    folder = project / "model_code/iris"
    (folder / "train.py").write_text(
        "import os, joblib, pandas as pd, mine_of_test_packaging as mine\n"
        "from pathlib import Path\n"
        "table = pd.read_csv(Path(os.environ['SM_CHANNEL_TRAIN']) / 'train.csv')\n"
        "model = mine.Mine().fit(table.drop(columns='species').to_numpy(), table['species'])\n"
        "joblib.dump(model, Path(os.environ['SM_MODEL_DIR']) / 'model.joblib')\n"
    )
    library = project / "library"
    library.mkdir()
    (library / "mine_of_test_packaging.py").write_text(OWN_CLASS)
    run = (
        "import sys; from pathlib import Path\n"
        "from stacks.settings import load_model; from training.train import train\n"
        "artifact = train(Path(sys.argv[1]), load_model(Path(sys.argv[1]), 'iris', {'gate.accuracy': 0.1}))\n"
        "print(artifact.manifest['engine']['name'], artifact.has_joblib)\n"
        "print(artifact.engine)\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", run, str(project)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{library}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stdout == "none True\n", ended.stderr
    assert "cannot be served by a container of ours" in ended.stderr
    assert "a container has no mine_of_test_packaging.Mine" in ended.stderr


def test_code_in_a_model_is_refused_by_name():
    model = make_pipeline(FunctionTransformer(os.path.normpath), LogisticRegression())
    model.steps[1][1].fit(ROWS, LABELS)

    with pytest.raises(NoEngine, match=r"a container has no posixpath\.normpath"):
        package(model, SIGNATURE, Answers(ROWS, LABELS, "integer"))


@pytest.mark.parametrize("line", ["XGBoost_CPU==3.2.0 ; python_version > '3'", "xgboost==3.2.0"])
def test_a_package_that_the_requirements_name_is_in_the_container(tmp_path, line):
    (tmp_path / "requirements.txt").write_text(f"# boosting\n{line}\nabsent\n")

    assert "xgboost" in packages_of(tmp_path / "requirements.txt")
    assert packages_of(tmp_path / "nowhere.txt") == frozenset()


@pytest.mark.parametrize(
    "name",
    ["posix.system", "numpy.testing._private.utils.runstring", "sklearn.utils._testing.TempMemmap",
     "sklearn.tree._export.export_graphviz", "sklearn.externals._arff.dump", "sklearn.base.pickle",
     "sklearn.datasets._base.load_files", "joblib.numpy_pickle.load", "numpy.memmap"],
)  # fmt: skip
def test_a_skops_file_from_elsewhere_may_not_build_it(name):
    assert unsafe_types([name]) == [name]


def test_xgboost_stops_at_its_best_round():
    model = XGBClassifier(n_estimators=200, early_stopping_rounds=3, objective="binary:logitraw")
    model.fit(ROWS[:200], LABELS[:200], eval_set=[(ROWS[200:], LABELS[200:])], verbose=False)
    assert model.best_iteration < 190

    packaged = package(model, SIGNATURE, answers_of(model))

    assert (packaged.name, packaged.agreement.labels) == ("xgboost", 1.0)


def test_numbers_that_float32_cannot_tell_apart_are_not_served_by_onnx():
    expected = Answers(ROWS, 1.7e9 + ROWS[:, 0], "number")

    agreement = compare(expected.values.astype(np.float32), expected)

    assert not agreement.holds
    assert "is allowed" in agreement.disagreement("ONNX Runtime")


def test_no_number_is_no_agreement():
    expected = Answers(ROWS, ROWS[:, 0], "number")

    assert not compare(np.where(ROWS[:, 0] > 2, np.nan, ROWS[:, 0]), expected).holds
    with pytest.raises(ValueError, match="399 answers to 400 rows"):
        compare(ROWS[1:, 0], expected)
