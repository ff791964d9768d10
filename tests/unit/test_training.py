"""Training runs: what is written, what is refused, and what a crash leaves."""

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from slipway.errors import (
    ArtifactInvalid,
    ArtifactMissing,
    DataInvalid,
    GateFailed,
    SlipwayError,
    TrainingFailed,
)
from stacks.settings import load_model
from training.artifact import load_artifact, pack, write_artifact
from training.fit import hyperparameter_arguments
from training.train import train

ROOT = Path(__file__).parents[2]


def train_in(root: Path, model: str = "iris", **overrides):
    return train(root, load_model(root, model, overrides))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_training_twice_gives_the_same_bytes(project):
    first = train_in(project)
    content = first.archive.read_bytes()

    assert train_in(project).version == first.version
    assert first.archive.read_bytes() == content


def test_one_changed_data_row_gives_another_version(flats):
    before = train_in(flats, "flats")
    edit(flats / "model_code/flats/data/flats.csv", "41,1,1037", "41,1,1038")

    assert train_in(flats, "flats").version != before.version


def test_the_manifest_beside_the_archive_is_the_one_inside(project):
    artifact = train_in(project)
    with tarfile.open(artifact.archive) as tar:
        inside = tar.extractfile("code/manifest.json").read()
        names = tar.getnames()

    assert inside == (artifact.folder / "manifest.json").read_bytes()
    assert set(names) == {*artifact.manifest["files"], "code/manifest.json"}
    assert artifact.version not in inside.decode()


def test_golden_rows_cover_every_class(project):
    golden = train_in(project).manifest["golden"]

    assert len(golden["rows"]) == len(golden["predictions"]) == 20
    assert set(golden["predictions"]) == {"setosa", "versicolor", "virginica"}


def test_a_csv_of_ones_own_trains_a_regression(flats):
    manifest = train_in(flats, "flats").manifest

    assert manifest["signature"]["prediction"] == {"name": "price", "type": "number"}
    assert set(manifest["metrics"]) == {"r2", "rmse", "mae"}


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "digits"])
def test_other_data_sets_of_scikit_learn_train_with_the_same_script(project, name):
    artifact = train_in(project, **{"model.data": f"sklearn:{name}", "gate.accuracy": 0.8})

    assert artifact.manifest["gate"]["accuracy"]["value"] >= 0.8


def test_label_codes_predict_integers(project):
    signature = train_in(project, **{"model.label_codes": True}).manifest["signature"]

    assert signature["prediction"] == {"name": "species", "type": "integer", "classes": [0, 1, 2]}


def test_chosen_features_are_the_signature(project):
    artifact = train_in(project, **{"model.features": ["petal_width", "petal_length"]})

    assert [feature["name"] for feature in artifact.manifest["signature"]["features"]] == [
        "petal_width",
        "petal_length",
    ]


def test_a_model_below_its_gate_is_not_packaged_and_the_old_one_stays(project):
    before = train_in(project)

    with pytest.raises(GateFailed, match=r"accuracy is 0\.9667, and the gate asks for at least 0\.99"):
        train_in(project, **{"gate.accuracy": 0.99, "model.hyperparameters": {"C": 0.4}})

    assert load_artifact(project, "iris").version == before.version


def test_a_training_script_that_fails_shows_its_last_lines(project):
    edit(
        project / "model_code/iris/train.py",
        "model.fit(",
        "raise RuntimeError('no disk left')\n    model.fit(",
    )

    with pytest.raises(TrainingFailed, match="no disk left"):
        train_in(project)


def test_a_training_script_that_the_system_kills_is_told_with_the_likely_reason(project):
    edit(
        project / "model_code/iris/train.py",
        "model.fit(",
        "import signal; os.kill(os.getpid(), signal.SIGKILL)\n    model.fit(",
    )

    with pytest.raises(TrainingFailed, match=r"killed \(SIGKILL\), as the system does where memory runs out"):
        train_in(project)


def test_a_training_script_that_writes_no_model_is_said_so(project):
    edit(project / "model_code/iris/train.py", "model.joblib", "model.pkl")

    with pytest.raises(TrainingFailed, match=r"wrote no model\.joblib"):
        train_in(project)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("42,2,1074", "42,,1074", "row 3, column 'rooms': the cell is empty"),
        ("42,2,1074", "42,two,1074", "row 3, column 'rooms': 'two' is not a finite number"),
        ("42,2,1074", "42,inf,1074", "row 3, column 'rooms'"),
        ("42,2,1074", "42,2,", "row 3, column 'price'"),
        ("42,2,1074", "42,2,1074,5", "line 4: 4 cells, and the header names 3"),
        ("area,rooms,price", "area,area,price", "has the column 'area' twice"),
        ("area,rooms,price", "area,rooms,prise", "no label column 'price'.\n.*Did you mean 'prise'"),
    ],
)
def test_bad_data_names_row_and_column(flats, old, new, message):
    edit(flats / "model_code/flats/data/flats.csv", old, new)

    with pytest.raises(DataInvalid, match=message):
        train_in(flats, "flats")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"model.data": "sklearn:irис"}, "no data set"),
        ({"model.data": "sklearn:linnerud"}, "no data set 'linnerud'"),
        ({"model.data": "nowhere.csv"}, "nowhere.csv is not there"),
        ({"model.data": "https://bucket/key.csv"}, "cannot be read"),
        ({"model.features": ["petal_widht"]}, "Did you mean 'petal_width'"),
        ({"model.features": ["species"]}, "no feature column 'species'"),
    ],
)
def test_data_that_is_not_there_is_said_so(project, overrides, message):
    with pytest.raises(DataInvalid, match=message):
        train_in(project, **overrides)


def test_an_archive_changed_after_training_is_refused(project):
    artifact = train_in(project)
    content = bytearray(artifact.archive.read_bytes())
    content[len(content) // 2] ^= 1
    artifact.archive.write_bytes(content)

    with pytest.raises(ArtifactInvalid, match="was changed after training"):
        load_artifact(project, "iris")
    assert train_in(project).version == artifact.version
    assert load_artifact(project, "iris").version == artifact.version

    (artifact.archive.parent / "manifest.json").unlink()
    with pytest.raises(ArtifactInvalid, match="is incomplete"):
        load_artifact(project, "iris")


def test_a_missing_artifact_names_the_command_that_makes_it(project):
    with pytest.raises(ArtifactMissing, match="slipway train iris"):
        load_artifact(project, "iris")
    train_in(project)
    with pytest.raises(ArtifactMissing, match="no artifact 000000000000"):
        load_artifact(project, "iris", "000000000000")


def test_a_missing_artifact_of_the_builtin_algorithm_is_trained_too(project):
    folder = project / "model_code" / "boosted"
    folder.mkdir()
    (folder / "model.toml").write_text('[model]\nframework = "xgboost"\n')

    with pytest.raises(ArtifactMissing) as missing:
        load_artifact(project, "boosted")

    assert missing.value.fix == "Run: slipway train boosted"


def test_a_run_killed_at_any_moment_leaves_the_old_artifact_or_the_new_one(tmp_path):
    script = (
        "import sys; from pathlib import Path; from training.artifact import write_artifact\n"
        "print('go', flush=True)\n"
        "for n in range(10**6):\n"
        "    write_artifact(Path(sys.argv[1]), 'm', {'model.joblib': b'x' * 300_000 + b'%d' % n}, {})"
    )
    write_artifact(tmp_path, "m", {"model.joblib": b"old"}, {})
    for pause_s in (0.0, 0.003, 0.006, 0.01, 0.02, 0.05):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        process.stdout.readline()
        time.sleep(pause_s)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

        assert load_artifact(tmp_path, "m").archive.is_file()
    write_artifact(tmp_path, "m", {"model.joblib": b"last"}, {})
    assert not list((tmp_path / "artifacts" / "m").glob(".*"))


def test_a_full_disk_leaves_the_old_artifact(tmp_path):
    before = write_artifact(tmp_path, "m", {"model.joblib": b"old"}, {})
    script = (
        "import os, resource, signal, sys\n"
        "from pathlib import Path\n"
        "from training.artifact import write_artifact\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "write_artifact(Path(sys.argv[1]), 'm', {'model.joblib': os.urandom(200_000)}, {})"
    )

    failed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert failed.returncode != 0
    assert load_artifact(tmp_path, "m").version == before.version


def test_archives_depend_on_names_and_contents_alone():
    assert pack({"b": b"2", "a": b"1"}) == pack({"a": b"1", "b": b"2"})


def test_hyperparameters_are_passed_as_the_training_toolkit_does():
    assert hyperparameter_arguments({"n-estimators": 100, "C": 0.5, "flag": True}) == [
        "-C", "0.5", "--flag", "True", "--n-estimators", "100",
    ]  # fmt: skip


def test_every_error_says_what_to_do(project):
    with pytest.raises(SlipwayError) as caught:
        train_in(project, **{"model.data": "nowhere.csv"})

    assert caught.value.fix
    assert json.dumps(caught.value.what)
