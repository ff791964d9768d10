"""slipway predict: rows to answers, through the model's own door."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import click

from client import ClientError, RequestRefused
from slipway.errors import BadInput, PredictionRefused
from slipway.options import aws_of, json_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story


@click.command("predict")
@click.argument("model")
@click.argument("rows", metavar="[ROW|FILE|-]", default="-")
@stage_option
@json_option
def command(model: str, rows: str, stage: str, as_json: bool) -> None:
    """Predict one row, several rows split by |, a CSV file, or standard input.

    A file's first row may name the features, in any order; without it they are in the signature's order.

    \b
    slipway predict iris 6.5,3.0,5.2,2.0
    slipway predict iris new.csv --json
    """
    from slipway.verify import client_for

    project = Project.here()
    settings = settings_of(project, (model,), stage)
    body, content_type = read_rows(rows)
    client = client_for(aws_of(project, settings.stage), model)
    try:
        answers = json.loads(client.invoke(body, content_type))
    except RequestRefused as error:
        raise PredictionRefused(f"{model} refused the rows: {error}", fix=error.hint or "") from None
    except ClientError as error:
        raise PredictionRefused(f"{model} did not answer: {error}", fix="Look at: slipway status") from None
    if as_json:
        print(json.dumps({"model": model, "version": client.version, "predictions": answers}))
    else:
        print("\n".join(str(answer) for answer in answers))
    Story().next(f"slipway outputs {model}{'' if stage == 'local' else f' --stage {stage}'}")


def read_rows(argument: str) -> tuple[bytes, str]:
    """Return a request's body and its type for a row, a file or standard input.

    Raises:
        BadInput: the file is not there, is empty, or a cell under a header is not a number.
    """
    if argument == "-":
        text = sys.stdin.read()
    elif Path(argument).is_file():
        try:
            text = Path(argument).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise BadInput(f"{argument} is not UTF-8 text.", fix="Save it as a CSV file in UTF-8.") from None
    elif "," in argument or "|" in argument or _is_number(argument):
        text = argument
    else:
        raise BadInput(
            f"{argument!r} is neither a file nor a row of numbers.", fix="Write a row as 6.5,3.0,5.2,2.0"
        )
    table = [row for row in csv.reader(io.StringIO(text.replace("|", "\n"))) if row]
    if not table:
        raise BadInput(
            "There are no rows to predict.", fix="Give a row, a CSV file, or rows on standard input."
        )
    header = table[0]
    if any(_is_number(cell) for cell in header) or len(table) == 1:
        return "\n".join(",".join(row) for row in table).encode(), "text/csv"
    # With names the model's own checks apply: an unknown or missing column is told by its name.
    names = [name.strip() for name in header]
    return json.dumps([_object(names, row, n) for n, row in enumerate(table[1:], start=1)]).encode(), (
        "application/json"
    )


def _object(names: list[str], row: list[str], number: int) -> dict[str, Any]:
    if len(row) != len(names):
        raise BadInput(
            f"Row {number} has {len(row)} cells, and the header names {len(names)}.", fix="Mend the row."
        )
    cells: dict[str, Any] = {}
    for name, cell in zip(names, row, strict=True):
        if name != "id" and not _is_number(cell):
            raise BadInput(f"Row {number}, {name}: {cell!r} is not a number.", fix="Mend the cell.")
        cells[name] = cell if name == "id" else float(cell)
    return cells


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
