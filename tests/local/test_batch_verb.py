"""`slipway batch` on the embedded AWS, for each kind of image, as a person types it."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import signal
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_diabetes, load_iris

from tests.local.own_project import OwnProject

FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
IRIS = load_iris()
CITIES = ["Bonn", "Köln, Mitte", "Ulm"]
PLANS = """
[model]
task = "classification"
data = "data/plans.csv"
label = "plan"
framework = "xgboost"
categories = ["city"]
[model.hyperparameters]
objective = "multi:softprob"
num_class = 3
num_round = 10
[gate]
accuracy = 0.5
[serve]
image = "xgboost"
"""
DIABETES = load_diabetes(as_frame=True, scaled=True).frame


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProject]:
    """iris behind AWS's scikit-learn image, flowers behind our own, the others behind AWS's XGBoost."""
    made = OwnProject(tmp_path_factory.mktemp("own"))
    models = made.root / "model_code"
    shutil.copytree(models / "iris", models / "flowers")
    toml = models / "flowers" / "model.toml"
    toml.write_text(toml.read_text().replace('image = "sklearn"', 'image = "own"'))
    write_plans(models / "plans")
    made.deploy("iris", "flowers", "diabetes", "plans")
    yield made
    made.remove()


def write_plans(folder: Path) -> None:
    """A model folder with a category, gaps and three classes, for AWS's XGBoost."""
    (folder / "data").mkdir(parents=True)
    (folder / "model.toml").write_text(PLANS)
    random = np.random.default_rng(0)
    with (folder / "data" / "plans.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["city", "age", "plan"])
        for _ in range(200):
            city, age = random.choice(CITIES), int(random.integers(18, 80))
            plan = "free" if age < 40 else "pro" if city == CITIES[0] else "plus"
            writer.writerow([city, "" if age == 50 else age, plan])


def write_iris(path: Path, *, shuffled: bool = False) -> Path:
    """Rows with ids, the label among them, and the columns out of order where asked."""
    names = ["id", *FEATURES, "species"]
    order = [5, 3, 0, 1, 4, 2] if shuffled else range(6)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([names[place] for place in order])
        for number, (row, label) in enumerate(zip(IRIS.data, IRIS.target, strict=True)):
            cells = [f"flower-{number}", *row, IRIS.target_names[label]]
            writer.writerow([cells[place] for place in order])
    return path


def in_memory(project: OwnProject, model: str, file: str) -> bytes:
    version = project.manifest(model)["version"]
    with tarfile.open(project.root / "artifacts" / model / version / "model.tar.gz") as tar:
        member = tar.extractfile(file)
        assert member is not None
        return member.read()


def predictions_of_iris(project: OwnProject, tmp_path: Path) -> list[str]:
    model = tmp_path / "model.joblib"
    model.write_bytes(in_memory(project, "iris", "model.joblib"))
    return [str(name) for name in joblib.load(model).predict(IRIS.data)]


@pytest.mark.parametrize("model", ["iris", "flowers"])
def test_every_row_of_a_packed_file_with_names_in_any_order_is_predicted(
    project: OwnProject, tmp_path: Path, model: str
) -> None:
    rows = write_iris(tmp_path / "rows.csv", shuffled=True)
    packed = tmp_path / "rows.csv.gz"
    packed.write_bytes(gzip.compress(rows.read_bytes()))
    out = tmp_path / "out.csv"

    ended = project.run("batch", model, str(packed), "--out", str(out), "--json")

    told = json.loads(ended.stdout)
    assert (told["rows"], told["lines"], told["path"]) == (150, 150, str(out))
    assert out.read_text().splitlines() == predictions_of_iris(project, tmp_path)
    assert f"left out, since {model} does not take them: species" in ended.stderr
    assert ended.stderr.strip().endswith(f"next  slipway jobs {model}")


def test_the_builtin_image_gets_numbers_alone_and_agrees_with_the_booster(
    project: OwnProject, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.csv"
    DIABETES.rename(columns={"target": "progression"}).to_csv(rows, index_label="id")

    project.run("batch", "diabetes", str(rows))

    out = project.root / "rows.predictions.csv"  # beside nothing: in the current folder
    booster = xgboost.Booster(model_file=bytearray(in_memory(project, "diabetes", "xgboost-model")))
    expected = booster.predict(xgboost.DMatrix(DIABETES.drop(columns="target").to_numpy()))
    assert np.loadtxt(out) == pytest.approx(expected, rel=1e-6)


def test_the_builtin_image_gets_codes_for_texts_and_its_scores_become_classes(
    project: OwnProject, tmp_path: Path
) -> None:
    rows, out, joined = tmp_path / "rows.csv", tmp_path / "out.csv", tmp_path / "joined.csv"
    rows.write_text('age,city\n20,Ulm\n60,"Köln, Mitte"\n70,Bonn\n,Bonn\n', encoding="utf-8")

    ended = project.run("batch", "plans", str(rows), "--out", str(out), "--json")
    project.run("batch", "plans", str(rows), "--out", str(joined), "--set", "batch.join=true")

    answers = json.loads(project.run("predict", "plans", str(rows), "--json").stdout)["predictions"]
    assert answers[:3] == ["free", "plus", "pro"]
    assert out.read_text().splitlines() == answers
    told = json.loads(ended.stdout)
    assert told["named"]
    # What the job itself wrote stays AWS's: a probability for each class.
    bucket, _, prefix = told["output"].removeprefix("s3://").partition("/")
    scores = project.client("s3").get_object(Bucket=bucket, Key=f"{prefix.rstrip('/')}/rows.csv.out")
    assert len(scores["Body"].read().splitlines()[0].split(b",")) == 3
    assert joined.read_text().startswith("2,20,[0.")
    again = tmp_path / "again.csv"
    project.run("jobs", "plans", "--attach", told["job"], "--out", str(again))
    assert again.read_bytes() == out.read_bytes()


def test_a_join_keeps_the_rows_and_filters_choose_of_them(project: OwnProject, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    settings = ("--set", "batch.join=true", "--set", "batch.output_filter=$[0,-1]")

    project.run("batch", "iris", str(write_iris(tmp_path / "rows.csv")), "--out", str(out), *settings)

    expected = [f"flower-{n},{name}" for n, name in enumerate(predictions_of_iris(project, tmp_path))]
    assert out.read_text().splitlines() == expected


def test_an_input_filter_gets_the_file_as_it_is(project: OwnProject, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    head = DIABETES.head(5).drop(columns="target")
    head.insert(0, "patient", [f"p{number}" for number in range(5)])
    head.to_csv(rows, index=False)
    chosen = ("--set", "batch.input_filter=$[1:]", "--set", "batch.join=true")

    project.run("batch", "diabetes", str(rows), "--out", str(out), *chosen,
                "--set", "batch.output_filter=$[0]")  # fmt: skip

    assert out.read_text().split() == ["p0", "p1", "p2", "p3", "p4"]


def test_a_bad_record_is_told_by_file_and_line_and_leaves_no_file(
    project: OwnProject, tmp_path: Path
) -> None:
    rows, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    rows.write_text(",".join(FEATURES) + "\n5.1,3.5,1.4,0.2\n6.0,3.0,much,1.8\n5.0,3.0,4.0,1.0\n")
    out.write_text("of before\n")

    ended = project.run("batch", "iris", str(rows), "--out", str(out), code=1)

    said = " ".join(ended.stderr.split())
    assert "E-BATCH" in said
    assert "rows.csv: ClientError: 400; Line 2; Row 2, petal_length: 'much' is not a number." in said
    assert out.read_text() == "of before\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "rows.csv"]


def test_the_outputs_of_other_files_stay_where_one_is_bad(project: OwnProject, tmp_path: Path) -> None:
    bucket = project.run("outputs", "--json")
    name = json.loads(bucket.stdout)["BucketName"]
    s3, prefix = project.client("s3"), "batch/iris/input/mixed/"
    s3.put_object(Bucket=name, Key=f"{prefix}good.csv", Body=b"5.1,3.5,1.4,0.2\n6.0,3.0,4.8,1.8\n")
    s3.put_object(Bucket=name, Key=f"{prefix}bad.csv", Body=b"5.1,3.5,1.4\n")
    out = tmp_path / "out.csv"

    ended = project.run("batch", "iris", f"s3://{name}/{prefix}", "--out", str(out), code=1)

    job = project.jobs("iris")[0]["name"]
    assert "bad.csv" in ended.stderr
    listed = s3.list_objects_v2(Bucket=name, Prefix=f"batch/iris/output/{job}/")["Contents"]
    assert [item["Key"].rpartition("/")[2] for item in listed] == ["good.csv.out"]
    assert not out.exists()
    project.run("batch", "iris", f"s3://{name}/{prefix}good.csv", "--out", str(out))
    assert out.read_text() == "setosa\nvirginica\n"


def test_ctrl_c_leaves_the_job_and_attaching_brings_its_output(project: OwnProject, tmp_path: Path) -> None:
    rows, out = write_iris(tmp_path / "rows.csv"), tmp_path / "out.csv"
    before = {row["name"] for row in project.jobs("iris")}
    process = project.start("batch", "iris", str(rows), "--out", str(out))
    deadline = time.monotonic() + 60
    while {row["name"] for row in project.jobs("iris")} == before and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    job = project.jobs("iris")[0]["name"]

    assert process.returncode == 130, said
    assert f"slipway jobs iris --attach {job}" in said
    assert not out.exists()
    told = project.run("jobs", "iris", "--attach", job, "--out", str(out), "--json")
    assert json.loads(told.stdout)["rows"] == 150
    assert out.read_text().splitlines() == predictions_of_iris(project, tmp_path)


def test_the_sdk_sees_the_same_job(
    project: OwnProject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from sagemaker.core.resources import TransformJob

    project.run("batch", "diabetes", str(diabetes_rows(tmp_path)), "--out", str(tmp_path / "out.csv"))
    job = project.jobs("diabetes")[0]["name"]
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)
    session = project.session()

    resource = TransformJob.get(job, session=session, region=session.region_name)
    resource.wait(poll=1, timeout=30)

    assert resource.refresh().transform_job_status == "Completed"
    assert resource.transform_input.split_type == "Line"
    mine = TransformJob.get_all(name_contains="slipway-local-", session=session, region=session.region_name)
    assert job in [each.transform_job_name for each in mine]


def diabetes_rows(folder: Path) -> Path:
    path = folder / "rows.csv"
    DIABETES.head(3).drop(columns="target").to_csv(path, index=False)
    return path


def test_a_model_that_is_not_deployed_is_told(project: OwnProject, tmp_path: Path) -> None:
    ended = project.run("batch", "slow", str(diabetes_rows(tmp_path)), code=1)

    assert "E-NOT-DEPLOYED" in ended.stderr
    assert "slipway deploy slow" in ended.stderr
