"""Models from elsewhere become artifacts: from ONNX, from skops, and with the verb."""

import json
import pickle
import re
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import NearestCentroid
from sklearn.svm import LinearSVC

from model_code.serving.engines import load_engine
from stacks.settings import load_model
from tests.unit.foreign_models import (
    NAMES,
    ROOT,
    ROWS,
    as_onnx,
    as_skops,
    bring,
    fitted,
    slipway,
    unpacked,
)
from training.artifact import load_artifact
from training.import_model import import_model


def test_an_onnx_model_with_probabilities_is_packaged_and_answers(irises, tmp_path):
    artifact = bring(irises, as_onnx(tmp_path / "m.onnx"))

    model = load_engine(unpacked(artifact, tmp_path / "out"), artifact.manifest)
    assert (model.predict(ROWS).ravel() == fitted().predict(ROWS)).all()
    assert (artifact.engine, artifact.has_joblib) == ("onnx", False)
    assert artifact.manifest["origin"] == {"file": "m.onnx", "form": "onnx", "producer": "skl2onnx 1.20.0"}
    assert artifact.manifest["gate"]["accuracy"]["value"] >= 0.9
    assert len(artifact.manifest["golden"]["rows"]) == 20
    assert load_artifact(irises, "irises").version == artifact.version
    assert artifact.manifest["engine"]["probabilities"]
    assert np.abs(model.with_probabilities(ROWS)[1] - fitted().predict_proba(ROWS)).max() < 1e-5


def test_a_table_of_numbers_from_elsewhere_is_probabilities_only_if_it_can_be(irises, tmp_path):
    plain = bring(irises, as_onnx(tmp_path / "plain.onnx", options={"zipmap": False}))
    scores = bring(irises, as_onnx(tmp_path / "scores.onnx", LinearSVC().fit(ROWS, NAMES)))
    graph = onnx.load(tmp_path / "plain.onnx")
    final = graph.graph.output[1].name
    graph.graph.initializer.append(numpy_helper.from_array(np.array([2, 0, 1]), "order"))
    graph.graph.node.append(onnx.helper.make_node("Gather", [final, "order"], ["turned"], axis=1))
    graph.graph.output[1].name = "turned"
    onnx.save(graph, tmp_path / "turned.onnx")
    turned = bring(irises, tmp_path / "turned.onnx")

    entries = [artifact.manifest["engine"] for artifact in (plain, scores, turned)]
    assert [entry["probabilities"] for entry in entries] == [True, False, False]
    assert "not from 0 to 1" in entries[1]["no_probabilities"]
    assert "not the one that it finds likeliest" in entries[2]["no_probabilities"]


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
