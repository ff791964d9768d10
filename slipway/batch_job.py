"""A transform job of `slipway batch`: start it, follow it, bring its output here."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from client.wire import wire_of
from slipway.batch_log import data_log_of, telling
from slipway.errors import BatchFailed, NoSuchJob
from stacks import storage
from stacks.settings import ModelSettings
from stacks.transform_job import TransformPlaces, transform_job_request
from training.fit import Progress
from training.sagemaker.follow import Ended, follow_on
from training.sagemaker.jobs import FollowedTransform
from training.sagemaker.names import job_name
from training.sagemaker.place import Place
from training.sagemaker.sdk import transform_job
from training.sagemaker.start import start_job

_ROWS = "rows"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Predicted:
    """What a job gave.

    Args:
        job: its name.
        path: of the predictions.
        lines: how many.
        rows: how many there were to predict; None where nobody counted them: they were in S3 already.
        output: s3://bucket/prefix/ of what the model answered, one object for each of the input.
        named: whether the file has classes by name where the model answered with scores.
    """

    job: str
    path: Path
    lines: int
    rows: int | None
    output: str
    named: bool = False


def upload_rows(place: Place, model: str, job: str, path: Path, rows: int) -> str:
    """Bring prepared rows into the bucket and return their address; their number goes with them."""
    key = storage.batch_input(model, job) + path.name
    extra = {"Metadata": {_ROWS: str(rows)}, "ContentType": "text/csv"}
    place.client("s3").upload_file(str(path), place.bucket, key, ExtraArgs=extra)
    return storage.uri(place.bucket, key)


def start(place: Place, settings: ModelSettings, model_name: str, job: str, source: str) -> Any:
    """Start a transform job and return the SDK's TransformJob.

    Args:
        place: where.
        settings: the model folder's; `[batch]` says how.
        model_name: of the deployed Model.
        job: the name of the new job.
        source: s3://bucket/prefix of CSV files without header, packed where it ends in .gz.

    Raises:
        AwsUnreachable, JobGoesOn, JobLost: as start_job does.
    """
    places = TransformPlaces(
        job_name=job,
        model_name=model_name,
        input=source,
        output=storage.uri(place.bucket, storage.batch_output(settings.name, job)),
        key_arn=place.key_arn,
    )
    request = transform_job_request(settings.batch, places, place.tags(settings.name))
    if source.endswith(".gz"):
        request["TransformInput"]["CompressionType"] = "Gzip"
    return start_job(transform_job(), request, place, job=job, model=settings.name, section="[batch]")


def find(place: Place, model: str, job: str) -> Any:
    """Return the SDK's TransformJob of a name.

    Raises:
        NoSuchJob: there is none.
    """
    try:
        return transform_job().get(job, session=place.session, region=place.region)
    except ClientError as error:
        raise NoSuchJob(
            f"There is no job {job} on {place.stage}.",
            why=str(error),
            fix=f"Look at: slipway jobs {place.option(model)}",
        ) from None


def finish(
    place: Place,
    model: str,
    resource: Any,
    out: Path | None,
    progress: Progress,
    outputs: Mapping[str, str] | None = None,
) -> Predicted:
    """Follow a job to its end and write its predictions to a file, in one step.

    Args:
        place: where it runs.
        model: the model's name.
        resource: the SDK's TransformJob.
        out: the file; default: named after the input, in the current folder.
        progress: is given each step and line.
        outputs: of the model's stack: with them, scores become the classes that they stand for.

    Raises:
        BatchFailed: it failed or was stopped, or gave another number of lines than there were rows.
        JobGoesOn, JobLost, AwsUnreachable: it goes on, and is not followed any more.
    """
    job = FollowedTransform(resource, place)
    ended = follow_on(place, model, job, progress)
    if ended.state.status != "Completed":
        raise _failed(place, job.name, ended)
    source = str(resource.transform_input.data_source.s3_data_source.s3_uri)
    output = str(resource.transform_output.s3_output_path)
    out = out or Path(f"{_stem(source)}.predictions.csv")
    rows, named = _rows_of(place, source), _named(resource, outputs or {})
    # Beside its place, so that it takes it in one step.
    with tempfile.NamedTemporaryFile(dir=out.resolve().parent, prefix=f".{out.name}-", delete=False) as file:
        staging = Path(file.name)
        try:
            answers = _output_lines(place, output)
            lines = sum(1 for line in answers if file.write(named(line) if named else line))
            if rows is not None and lines != rows:
                raise BatchFailed(
                    f"{job.name} gave {lines} lines for {rows} rows.",
                    why="Each row has to give one line.",
                    fix=f"Look at its output, {output}, and at output_fn of the model folder.",
                )
            file.close()
            staging.chmod(0o644)
            staging.replace(out)
        finally:
            staging.unlink(missing_ok=True)
    return Predicted(job.name, out, lines, rows, output, named is not None)


def new_name(place: Place, model: str) -> str:
    """Return a name for a new job."""
    return job_name(place.stage, model)


def _named(resource: Any, outputs: Mapping[str, str]) -> Callable[[bytes], bytes] | None:
    """Return what makes a class of a line of scores, as `slipway predict` does.

    None where lines are answers already, where a join or a filter makes something else of them, and where
    another model than the deployed one answered.
    """
    described = outputs.get("WireFormat")
    processing = resource.data_processing
    if (
        not described
        or not json.loads(described)["classes"]
        or resource.model_name != outputs.get("ModelName")
        or (processing.join_source, processing.output_filter) != ("None", "$")
    ):
        return None
    wire = wire_of(described)
    # In a transform job the image writes a row of several scores as a list: [0.1, 0.7, 0.2].
    return lambda line: f"{wire.decode(line.translate(None, b'[] '))[0]}\n".encode()


def _output_lines(place: Place, output: str) -> Iterator[bytes]:
    """Return the lines of all objects of an output, in the order of their names; no blank ones.

    A blank line stands between the answers to two requests where a container ends its own with a line break.
    """
    bucket, _, prefix = output.removeprefix("s3://").partition("/")
    s3 = place.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix.rstrip('/')}/")
    for item in (item for page in pages for item in page.get("Contents", ())):
        body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"]
        for line in body.iter_lines(chunk_size=_CHUNK):
            if line and not line.isspace():
                yield line + b"\n"


def _rows_of(place: Place, source: str) -> int | None:
    bucket, _, key = source.removeprefix("s3://").partition("/")
    try:
        head = place.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError:
        return None  # a prefix, or somebody else's bucket
    rows = head["Metadata"].get(_ROWS)
    return int(rows) if rows else None


def _stem(source: str) -> str:
    name = PurePosixPath(source.removeprefix("s3://").rstrip("/")).name
    return name.removesuffix(".gz").removesuffix(".csv")


def _failed(place: Place, job: str, ended: Ended) -> BatchFailed:
    state = ended.state
    if state.status == "Stopped":
        return BatchFailed(
            f"The job {job} was stopped.", why=state.reason, fix="Outputs of whole files stay in the bucket."
        )
    data_log = telling(data_log_of(place, job))
    return BatchFailed(
        f"The job {job} failed; no file was written here.",
        why="\n".join([state.reason, *(data_log or ended.tail)]).strip(),
        fix="Mend the line that is named (the header row is not counted), and run it again. Outputs of other "
        "files stay in the bucket."
        if data_log
        else "Mend what is named, and run it again.",
    )
