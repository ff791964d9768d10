"""Batch transform with the built-in XGBoost image: joined with its rows, and found where it refuses one."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xgboost

from tests.local.batch import TEXT, Batch
from tests.local.conftest import Boto
from tests.local.toy import Toy

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(500, 4)).round(3)


@pytest.fixture(scope="module")
def booster(rows: np.ndarray) -> xgboost.Booster:
    return xgboost.train(
        {"max_depth": 3, "seed": 0}, xgboost.DMatrix(rows, rows.sum(axis=1)), num_boost_round=5
    )


@pytest.fixture(scope="module")
def batch(
    boto: Boto, toy: Toy, booster: xgboost.Booster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Batch]:
    folder: Path = tmp_path_factory.mktemp("batch")
    made = Batch(boto, toy, folder)
    booster.save_model(folder / "model.ubj")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(folder / "model.ubj", "xgboost-model")
    toy.s3.put_object(Bucket=toy.bucket, Key="trees.gz", Body=packed.getvalue())
    toy.sagemaker.create_model(
        ModelName="trees", ExecutionRoleArn=made.role,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{toy.bucket}/trees.gz"},
    )  # fmt: skip
    yield made
    toy.drop("trees")
    toy.s3.delete_object(Bucket=toy.bucket, Key="trees.gz")
    made.remove()


def lines(rows: np.ndarray) -> list[str]:
    return [",".join(map(str, row)) for row in rows.tolist()]


def test_a_join_agrees_with_predictions_in_memory(
    batch: Batch, booster: xgboost.Booster, rows: np.ndarray
) -> None:
    batch.put({"trees.csv": "\n".join(lines(rows)).encode()})

    told = batch.run("trees", "trees", "trees.csv", DataProcessing={"JoinSource": "Input"}, **TEXT)

    joined = batch.outputs("trees-out")["trees.csv.out"].decode().splitlines()
    inputs, predictions = zip(*(line.rsplit(",", 1) for line in joined), strict=True)
    assert told["TransformJobStatus"] == "Completed"
    assert list(inputs) == lines(rows)
    assert np.allclose(list(map(float, predictions)), booster.predict(xgboost.DMatrix(rows)), rtol=1e-6)


def test_a_line_that_the_image_refuses_is_named(batch: Batch, rows: np.ndarray) -> None:
    given = lines(rows)
    given[321] = "1,2,3,4,5,6"
    batch.put({"ragged.csv": "\n".join(given).encode()})

    told = batch.run("ragged", "trees", "ragged.csv", **TEXT)

    log = [line.partition(": ")[2] for line in batch.data_log("ragged")[1:]]
    assert told["FailureReason"] == "ClientError: See job logs for more information"
    assert log[:2] == ["ClientError: 415", "Line 322"]
    assert "Loading csv data failed" in " ".join(log)
