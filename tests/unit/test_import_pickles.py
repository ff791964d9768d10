"""Pickles from elsewhere: none runs without --trust, and with it in a process of its own."""

import os
import pickle

import joblib
import pytest
from xgboost import XGBClassifier

from slipway.errors import ImportRefused
from tests.unit.foreign_models import (
    CODES,
    ROWS,
    Harm,
    bring,
    fitted,
    nothing_written,
    unpacked,
)


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


def harmful(touches):
    return pickle.dumps(Harm(touches))
