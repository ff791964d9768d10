"""Models from elsewhere: what is packaged, and what is refused with nothing written and nothing run."""

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import joblib
import numpy as np
import onnx
import pytest
import skl2onnx
import skops.io
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from model_code.serving.engines import load_engine
from slipway.errors import GateFailed, ImportRefused
from stacks.settings import load_model
from training.artifact import load_artifact
from training.import_model import import_model

ROOT = Path(__file__).parents[2]
ROWS, CODES = load_iris(return_X_y=True)
NAMES = load_iris().target_names[CODES]


@pytest.fixture
def irises(project):
    """A folder `irises` without train.py, beside which models lie."""
    folder = project / "model_code" / "irises"
    folder.mkdir()
    (folder / "model.toml").write_text(
        '[model]\ntask = "classification"\ndata = "sklearn:iris"\nlabel = "species"\n[gate]\naccuracy = 0.9\n'
    )
    return project


def bring(root, path, *, trust=False, told=None, **overrides):
    settings = load_model(root, "irises", overrides)
    return import_model(root, settings, path, trust=trust, progress=(told if told is not None else []).append)


def nothing_written(root):
    return not list((root / "artifacts").glob("irises/*"))


def fitted(labels=NAMES, rows=ROWS):
    return LogisticRegression(max_iter=500).fit(rows, labels)


def as_onnx(path, model=None, kind=FloatTensorType, shape=(None, 4), **options):
    graph = skl2onnx.convert_sklearn(model or fitted(), initial_types=[("X", kind(list(shape)))], **options)
    path.write_bytes(graph.SerializeToString())
    return path


def as_skops(path, model=None):
    skops.io.dump(model or fitted(), path)
    return path


def unpacked(artifact, folder):
    with tarfile.open(artifact.archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def test_an_onnx_model_with_probabilities_is_packaged_and_answers(irises, tmp_path):
    artifact = bring(irises, as_onnx(tmp_path / "m.onnx"))

    model = load_engine(unpacked(artifact, tmp_path / "out"), artifact.manifest)
    assert (model.predict(ROWS).ravel() == fitted().predict(ROWS)).all()
    assert (artifact.engine, artifact.has_joblib) == ("onnx", False)
    assert artifact.manifest["origin"] == {"file": "m.onnx", "form": "onnx", "producer": "skl2onnx 1.20.0"}
    assert artifact.manifest["gate"]["accuracy"]["value"] >= 0.9
    assert len(artifact.manifest["golden"]["rows"]) == 20
    assert load_artifact(irises, "irises").version == artifact.version


def test_a_skops_model_is_served_by_onnx_where_it_converts(irises, tmp_path):
    artifact = bring(irises, as_skops(tmp_path / "m.skops"))

    assert (artifact.engine, artifact.has_joblib) == ("onnx", False)
    assert "model.skops" not in artifact.manifest["files"]


def test_a_skops_model_that_does_not_convert_is_served_by_scikit_learn(irises, tmp_path):
    centroid = NearestCentroid().fit(ROWS, NAMES)

    artifact = bring(irises, as_skops(tmp_path / "m.skops", centroid))

    assert artifact.engine == "sklearn"
    assert "no converter for NearestCentroid" in artifact.manifest["engine"]["reason"]


def test_the_same_model_exported_twice_is_the_same_version(irises, tmp_path):
    for writer, name in ((as_skops, "m.skops"), (as_onnx, "m.onnx")):
        first = bring(irises, writer(tmp_path / name)).version
        assert bring(irises, writer(tmp_path / name)).version == first


def test_two_models_are_previous_and_latest(irises, tmp_path):
    first = bring(irises, as_onnx(tmp_path / "m.onnx"))
    forest = RandomForestClassifier(10, random_state=0).fit(ROWS, NAMES)
    second = bring(irises, as_skops(tmp_path / "m.skops", forest))

    assert load_artifact(irises, "irises", "previous").version == first.version
    assert load_artifact(irises, "irises", "latest").version == second.version


@pytest.mark.parametrize("model", [fitted(), RandomForestClassifier(10, random_state=0).fit(ROWS, NAMES)])
def test_a_float64_input_gets_a_cast(irises, tmp_path, model):
    artifact = bring(irises, as_onnx(tmp_path / "m.onnx", model, DoubleTensorType))

    loaded = load_engine(unpacked(artifact, tmp_path / "out"), artifact.manifest)
    assert (loaded.predict(ROWS).ravel() == model.predict(ROWS)).all()


def test_a_pickle_is_not_loaded_without_trust(irises, tmp_path):
    path = tmp_path / "m.joblib"
    path.write_bytes(harmful(tmp_path / "touched"))

    with pytest.raises(ImportRefused, match="is a pickle, and nothing was loaded") as caught:
        bring(irises, path)

    assert "delete files" in caught.value.why
    assert "--trust" in caught.value.fix
    assert not (tmp_path / "touched").exists()
    assert nothing_written(irises)


@pytest.mark.parametrize("name", ["m.onnx", "m.skops"])
@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)])
def test_a_pickle_by_another_name_is_known_by_its_content(irises, tmp_path, name, compress):
    path = tmp_path / "m"
    with path.open("wb") as file:
        joblib.dump(Harm(tmp_path / "touched"), file, compress=compress)
    path = path.rename(tmp_path / name)

    with pytest.raises(ImportRefused, match="its content is a pickle"):
        bring(irises, path, trust=True)

    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("name", ["m.joblib", "m.pkl"])
def test_a_trusted_pickle_is_turned_into_data_and_kept_for_awss_image(irises, tmp_path, name):
    path = tmp_path / name
    if name == "m.pkl":
        path.write_bytes(pickle.dumps(fitted()))
    else:
        joblib.dump(fitted(), path, compress=3)

    artifact = bring(irises, path, trust=True)

    assert (artifact.engine, artifact.has_joblib) == ("onnx", True)
    assert (unpacked(artifact, tmp_path / "out") / "model.joblib").read_bytes() == path.read_bytes()


def test_a_trusted_xgboost_pickle_is_packaged(irises, tmp_path):
    joblib.dump(XGBClassifier(n_estimators=10).fit(ROWS, CODES), tmp_path / "m.joblib")

    artifact = bring(irises, tmp_path / "m.joblib", trust=True, **{"model.label_codes": True})

    assert artifact.engine in ("onnx", "xgboost")


def test_a_trusted_pickle_runs_in_another_process_without_credentials(irises, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    command = f"echo $PPID $AWS_SECRET_ACCESS_KEY. > {tmp_path}/seen"
    (tmp_path / "m.joblib").write_bytes(pickle.dumps(Harm(command=command)))

    with pytest.raises(ImportRefused, match="cannot be turned into data"):
        bring(irises, tmp_path / "m.joblib", trust=True)

    parent, secret = (tmp_path / "seen").read_text().split()
    assert int(parent) != os.getpid()
    assert secret == "."


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "It holds 'dict', which predicts nothing"),
        (lambda path: path.write_bytes(b"\x80\x04garbage"), "Error: "),
        (lambda path: path.write_bytes(b"cnowhere\nNothing\n."), "No module named 'nowhere'"),
    ],
)
def test_a_trusted_pickle_that_is_no_model_is_told(irises, tmp_path, make, words):
    make(tmp_path / "m.pkl")

    with pytest.raises(ImportRefused, match="cannot be turned into data") as caught:
        bring(irises, tmp_path / "m.pkl", trust=True)

    assert words in caught.value.why
    assert nothing_written(irises)


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


def test_the_verb_prints_what_was_packaged(irises, tmp_path):
    as_onnx(tmp_path / "m.onnx")

    ended = slipway(irises, "import", "irises", str(tmp_path / "m.onnx"), "--json")

    assert ended.returncode == 0, ended.stderr
    [result] = json.loads(ended.stdout)
    assert (result["model"], result["engine"]) == ("irises", "onnx")
    assert "only who trained the model knows whether it saw them" in ended.stderr
    assert "slipway deploy irises" in ended.stderr


def test_the_verb_exits_with_3_and_says_what_to_do(irises, tmp_path):
    (tmp_path / "m.joblib").write_bytes(pickle.dumps(fitted()))

    ended = slipway(irises, "import", "irises", str(tmp_path / "m.joblib"))

    assert ended.returncode == 3
    assert "E-IMPORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_training_all_models_names_the_command_for_one_that_has_no_script(irises):
    ended = slipway(irises, "train")

    assert ended.returncode == 0, ended.stderr
    assert "irises has no train.py" in ended.stderr
    assert "slipway import irises PATH" in ended.stderr


def test_training_a_model_without_a_script_is_an_error_that_names_the_command(irises):
    ended = slipway(irises, "train", "irises")

    assert ended.returncode == 1
    assert "slipway import irises PATH" in " ".join(ended.stderr.split())


def test_a_missing_artifact_of_such_a_model_names_the_command(irises):
    from slipway.errors import ArtifactMissing

    with pytest.raises(ArtifactMissing, match="slipway import irises PATH"):
        load_artifact(irises, "irises")


class Harm:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, touches=None, command=""):
        self.command = command or f"touch {touches}"

    def __reduce__(self):
        return os.system, (self.command,)


def harmful(touches):
    return pickle.dumps(Harm(touches))


def slipway(root, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "slipway.main", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_trained_elsewhere_becomes_champion_and_challenger(irises, tmp_path):
    shutil.copytree(
        ROOT / "model_code" / "digits",
        irises / "model_code" / "digits",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    script = irises / "model_code" / "digits" / "elsewhere.py"
    assert "slipway" not in re.sub(r'""".*?"""|#.*', "", script.read_text(), flags=re.DOTALL)
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, capture_output=True)
    settings = load_model(irises, "digits")

    versions = [
        import_model(irises, settings, tmp_path / name) for name in ("1-logistic.onnx", "2-forest.skops")
    ]

    named = {variant.name: variant.version for variant in settings.serve.resolved_variants()}
    assert {role: load_artifact(irises, "digits", version).version for role, version in named.items()} == {
        "champion": versions[0].version,
        "challenger": versions[1].version,
    }
    assert [artifact.engine for artifact in versions] == ["onnx", "onnx"]
