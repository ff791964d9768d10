"""slipway batch: a file of rows to a file of predictions, by a transform job."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.options import aws_of, json_option, set_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story

if TYPE_CHECKING:
    from slipway.batch_job import Predicted


@click.command("batch")
@click.argument("model")
@click.argument("file")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the predictions go; default: FILE's name with .predictions.csv, in the current folder.",
)
@stage_option
@set_option
@json_option
def command(
    model: str, file: str, out: Path | None, stage: str, overrides: tuple[str, ...], as_json: bool
) -> None:
    """Predict all rows of a CSV file (also .gz) or of files in S3, by a SageMaker transform job.

    The file's first row may name the features, in any order and among other columns; without it they are in
    the signature's order. Files under s3:// are taken as they are: no names, the signature's order. The model
    is the deployed one, whatever its image. [batch] in model.toml says on what, and what is joined.

    \b
    slipway batch diabetes rows.csv --out predictions.csv
    slipway batch iris rows.csv.gz --set batch.join=true
    """
    from slipway.batch_job import finish, new_name, start, upload_rows
    from slipway.batch_rows import prepare
    from slipway.functions import require_endpoint
    from slipway.shared import place_of
    from training.artifact import load_artifact
    from training.sagemaker.sdk import transform_job

    transform_job()  # where the SDK is missing, that is said before anything is sent
    project, story = Project.here(), Story()
    settings = settings_of(project, (model,), stage, overrides)
    told = settings.models[0]
    aws = aws_of(project, settings.stage)
    outputs, place = aws.outputs(model), place_of(aws)
    require_endpoint(
        model,
        outputs,
        "transform jobs",
        f"Ask it with the file: slipway predict {model} {file}. For large files deploy it with "
        "--set serve.target=sagemaker",
    )
    job = new_name(place, model)
    source = file
    if not file.startswith("s3://"):
        signature = load_artifact(project.root, model, outputs["ModelVersion"]).manifest["signature"]
        ids = bool(signature.get("id_column")) and told.serve.image != "xgboost"
        name = Path(file).name.removesuffix(".gz")
        with tempfile.TemporaryDirectory(prefix="slipway-batch-") as folder, story.step(f"upload {name}"):
            rows = Path(folder) / name
            prepared = prepare(
                Path(file),
                rows,
                signature,
                ids=ids,
                whole=told.batch.input_filter != "$",
                coded=told.serve.image == "xgboost",
            )
            source = upload_rows(place, model, job, rows, prepared.rows)
        if prepared.left_out:
            story.say(f"left out, since {model} does not take them: {', '.join(prepared.left_out)}")
    with story.step(f"transform {source} with {model} {outputs['ModelVersion']}"):
        resource = start(place, told, outputs["ModelName"], job, source)
        story.event(f"job {job}: {told.batch.instance_count} x {told.batch.instance_type}")
        predicted = finish(place, model, resource, out, story.event, outputs)
    show(model, predicted, story, as_json=as_json)
    story.next(f"slipway jobs {place.option(model)}")


def show(model: str, predicted: Predicted, story: Story, *, as_json: bool) -> None:
    """Print where the predictions are, and how many."""
    if as_json:
        print(json.dumps({"model": model, **asdict(predicted), "path": str(predicted.path)}))
    else:
        print(predicted.path)
        scores = f"; the scores behind them: {predicted.output}" if predicted.named else ""
        story.say(f"{predicted.lines} predictions{scores}")
