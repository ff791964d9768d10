"""The demo's batch transform: the test set through a job, joined, and compared with predictions in memory."""

from __future__ import annotations

import csv
import tarfile
import tempfile
from pathlib import Path

from model_code.serving.media import Prediction
from model_code.serving.model import load_model
from model_code.serving.signature import Matrix
from slipway.aws import Aws
from slipway.batch_job import finish, new_name, start, upload_rows
from slipway.batch_rows import prepare
from slipway.errors import GoldenMismatch
from slipway.project import Project
from slipway.shared import place_of
from slipway.story import Story
from slipway.verify import agrees
from stacks.settings import ModelSettings, load_settings
from training.artifact import Artifact, load_artifact
from training.report import REPORT
from training.train import load_parts


def show_batch(project: Project, aws: Aws, model: ModelSettings, story: Story) -> int:
    """Transform the test set, rows joined with predictions, and return how many agree: all of them.

    Raises:
        GoldenMismatch: a row or a prediction came back otherwise.
        BatchFailed: the job failed.
    """
    outputs, place = aws.outputs(model.name), place_of(aws)
    artifact = load_artifact(project.root, model.name, outputs["ModelVersion"])
    dataset, parts = load_parts(model, story.event)
    rows = dataset.features.iloc[parts.test]
    joining = load_settings(project.root, {"models": model.name, f"{model.name}.batch.join": True}).models[0]
    with tempfile.TemporaryDirectory(prefix="slipway-demo-") as folder:
        given, uploaded, out = (Path(folder, name) for name in ("given.csv", "test.csv", "joined.csv"))
        rows.to_csv(given, index=False)
        prepared = prepare(given, uploaded, artifact.manifest["signature"], ids=False)
        job = new_name(place, model.name)
        with story.step(f"batch transform of {model.name}'s {len(rows)} test rows"):
            source = upload_rows(place, model.name, job, uploaded, prepared.rows)
            resource = start(place, joining, outputs["ModelName"], job, source)
            finish(place, model.name, resource, out, story.event)
        joined = list(csv.reader(out.read_text(encoding="utf-8").splitlines()))
    in_memory = predict_in_memory(artifact, rows.to_numpy())
    for number, (line, row, expected) in enumerate(
        zip(joined, rows.to_numpy().tolist(), in_memory, strict=True), start=1
    ):
        *cells, answer = line
        if [float(cell) for cell in cells] != row or not agrees(type(expected)(answer), expected):
            raise GoldenMismatch(
                f"{model.name}: row {number} came back from the transform job as {line}.",
                why=f"In memory the row {row} gives {expected!r}.",
            )
    page = (artifact.folder / REPORT).relative_to(project.root)
    story.say(f"         {len(joined)} joined rows agree with memory; predicted against true: {page}")
    return len(joined)


def predict_in_memory(artifact: Artifact, matrix: Matrix) -> list[Prediction]:
    """Return what an artifact's engine answers, without any server."""
    with tempfile.TemporaryDirectory(prefix="slipway-memory-") as folder:
        with tarfile.open(artifact.archive) as tar:
            tar.extractall(folder, filter="data")
        return load_model(Path(folder), artifact.manifest_sha256).predict(matrix)
