"""The built-in XGBoost refuses data and channels that it cannot train on."""

from pathlib import Path

import pytest

from tests.unit.xgboost_jobs import HYPERPARAMETERS, TRAIN, VALIDATION, Folder, job
from training.xgboost_algorithm.channels import training_format
from training.xgboost_algorithm.errors import UserError
from training.xgboost_algorithm.matrices import load

FILE = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "ContentType": "text/csv"}


def refusal(folder: Folder) -> str:
    """Run a job that must fail, and return what it says."""
    assert folder.run().returncode == 1
    assert not (folder.base / "output" / "success").exists()
    assert not folder.model.exists()
    return folder.message


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        ({"validation": FILE}, "Missing required channel: train"),
        ({"train": FILE, "test": FILE}, "Extraneous channel found: test"),
        (
            {"train": {**FILE, "ContentType": "application/json"}},
            "Channel configuration for 'train' channel is not supported: {'ContentType': 'application/json', "
            "'TrainingInputMode': 'File', 'S3DistributionType': 'FullyReplicated'}",
        ),
        (
            {"train": {**FILE, "TrainingInputMode": "Pipe"}},
            "Pipe mode is no longer supported. Please use Fast File mode (default) instead. "
            "Set input_mode='File' in your SageMaker Estimator or TrainingInput.",
        ),
        (
            {"train": {**FILE, "ContentType": "application/x-recordio-protobuf"}},
            "RecordIO-Protobuf is read by AWS's image only, not here. "
            "Write the data as CSV, LIBSVM or Parquet.",
        ),
    ],
)
def test_a_channel_that_is_not_the_images_is_refused(
    channels: dict[str, dict[str, str]], message: str
) -> None:
    with pytest.raises(UserError) as raised:
        training_format(channels)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("csv", "csv"), ("text/csv", "csv"), ("libsvm", "libsvm"), ("text/x-libsvm", "libsvm"),
        (None, "libsvm"), ("application/x-parquet", "parquet"), ("parquet", "parquet"),
    ],
)  # fmt: skip
def test_content_types_have_several_names_and_none_is_libsvm(content_type: str | None, form: str) -> None:
    channel = {name: value for name, value in FILE.items() if name != "ContentType"}
    assert (
        training_format({"train": {**channel, **({"ContentType": content_type} if content_type else {})}})
        == form
    )


def test_an_empty_channel_is_told_with_its_path(tmp_path) -> None:
    channels = {"train": FILE, "validation": FILE}
    empty = job(tmp_path / "train", channels=channels, files={"validation/a.csv": VALIDATION})
    assert refusal(empty) == "No data in training channel path /opt/ml/input/data/train"
    empty = job(tmp_path / "validation", channels=channels, files={"train/a.csv": TRAIN})
    assert refusal(empty) == "No data in validation channel path /opt/ml/input/data/validation"


def test_a_hidden_file_is_refused(tmp_path) -> None:
    folder = job(tmp_path, files={"train/a.csv": TRAIN, "train/.DS_Store": "x"})
    assert refusal(folder) == "Hidden file found in the data path! Remove that before training."


def test_csv_without_a_content_type_is_taken_for_libsvm_and_refused(tmp_path) -> None:
    message = refusal(job(tmp_path, content_type=None, files={"train/a.csv": TRAIN}))
    assert message.startswith(
        f"First line '{TRAIN.splitlines()[0][:50]}...' of file 'a.csv' is not 'LIBSVM' format."
    )


def test_a_script_is_refused(tmp_path) -> None:
    folder = job(tmp_path, {**HYPERPARAMETERS, "sagemaker_program": "train.py"})
    assert refusal(folder).startswith("Script mode of the XGBoost image works in AWS's image only")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1,2,3\n4,five,6\n", "data.csv line 2: column 1 is 'five', not a number"),
        ("label,a,b\n1,2,3\n", "data.csv line 1: the label is 'label', not a number"),
        ("1,2,3\n,5,6\n", "data.csv line 2: the label is '', not a number"),
        ('1,2,3\n"4",5,6\n', "data.csv line 2: the label is '\"4\"', not a number"),
        ("1\n2\n", "Could not determine delimiter on line 1"),
        ("1,2,3\n4;5;6\n", "column"),
    ],
)
def test_csv_with_anything_but_numbers_is_refused_with_line_and_column(
    tmp_path, content: str, words: str
) -> None:
    (tmp_path / "data.csv").write_text(content)
    with pytest.raises(UserError) as raised:
        load(tmp_path, "csv")
    assert words in str(raised.value)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_is_read_with_any_delimiter(tmp_path, delimiter: str, end: str) -> None:
    rows = ["1,2,3", "4,5,6", "7,8,9"]
    (tmp_path / "data.csv").write_bytes((end.join(rows) + end).replace(",", delimiter).encode())
    matrix = load(tmp_path, "csv")
    assert matrix.get_label().tolist() == [1, 4, 7]
    assert matrix.get_data().toarray().tolist() == [[2, 3], [5, 6], [8, 9]]


def test_an_empty_cell_is_a_missing_value(tmp_path) -> None:
    (tmp_path / "data.csv").write_text("1,,3\n4,nan,6\n7,8,9\n")
    assert load(tmp_path, "csv").num_nonmissing() == 4


def test_libsvm_is_read(tmp_path) -> None:
    (tmp_path / "data").write_text("1:1 0:2 2:3\n0:0.5 1:5\n")
    matrix = load(tmp_path, "libsvm")
    assert (matrix.num_row(), matrix.num_col()) == (2, 3)
    assert matrix.get_weight().tolist() == [1, 0.5]


def test_a_folder_whose_name_means_something_in_an_address_is_read(tmp_path) -> None:
    folder = tmp_path / "a#b;c?d"
    folder.mkdir()
    (folder / "e;f#g?.csv").write_text("1,2\n3,4\n")
    assert load(folder, "csv").num_row() == 2


def test_a_relative_folder_is_read(tmp_path, monkeypatch) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.csv").write_text("1,2\n3,4\n")
    monkeypatch.chdir(tmp_path)
    assert load(Path("train"), "csv").num_row() == 2


def test_parquet_has_the_label_in_column_0(tmp_path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pytest.importorskip("pyarrow").table({"y": [1.0, 2.0], "a": [3.0, None]})
    parquet.write_table(table, tmp_path / "data.parquet")
    matrix = load(tmp_path, "parquet")
    assert matrix.get_label().tolist() == [1, 2]
    assert matrix.num_nonmissing() == 1


def test_parquet_that_is_none_is_refused(tmp_path) -> None:
    (tmp_path / "data.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserError, match=r"Failed to load parquet data|Parquet needs pyarrow"):
        load(tmp_path, "parquet")
