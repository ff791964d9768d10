"""slipway predict: rows to answers, through the model's own door."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from client import ClientError, RequestRefused
from client.wire import Row, Wire
from model_code.serving.csv_cells import rows_of
from slipway.errors import ArtifactInvalid, ArtifactMissing, BadInput, PredictionRefused
from slipway.options import aws_of, json_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story
from training.artifact import load_artifact


class RowCommand(click.Command):
    """Takes a row that begins with a minus for a row, not for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put such a row behind `--`, where click looks for no options."""
        rows = [] if "--" in args else [arg for arg in args if re.match(r"-[.\d]", arg)]
        others = [arg for arg in args if arg not in rows]
        return super().parse_args(ctx, [*others, "--", *rows] if rows else others)


@click.command("predict", cls=RowCommand)
@click.argument("model")
@click.argument("rows", metavar="[ROW|FILE|-]", default="-")
@stage_option
@json_option
def command(model: str, rows: str, stage: str, as_json: bool) -> None:
    """Predict one row, several rows split by |, a CSV file, or standard input.

    A file's first row may name the features, in any order and among other columns; without it they are in the
    signature's order. A category is its text, in double quotes where it holds a comma; a missing value is an
    empty cell.

    \b
    slipway predict iris 6.5,3.0,5.2,2.0
    slipway predict iris new.csv --json
    """
    from slipway.verify import client_for

    project, story = Project.here(), Story()
    settings = settings_of(project, (model,), stage)
    if rows == "-" and sys.stdin.isatty():
        story.say("rows, one a line; Ctrl-D ends them")
    text = read_text(rows)
    client = client_for(aws_of(project, settings.stage), model)

    def tell(names: Sequence[str]) -> None:
        if names:
            story.say(f"left out, since {model} does not take them: {', '.join(names)}")

    table = read_rows(text, _signature(project, model, client.version), tell)
    try:
        kind = client.wire.content_type
        answered = client.answer(client.wire.encode(table), kind, kind)
        answers = _answers(client.wire, answered.content)
    except RequestRefused as error:
        raise PredictionRefused(f"{model} refused the rows: {error}", fix=error.hint or "") from None
    except ClientError as error:
        raise PredictionRefused(f"{model} did not answer: {error}", fix="Look at: slipway status") from None
    if as_json:
        # Which one answered, where the door says it: a rollback does not change the stack's outputs.
        version = answered.version or client.version
        print(json.dumps({"model": model, "version": version, "predictions": answers}))
    else:
        print(
            "\n".join(map(str, answers))
            if isinstance(answers, list)
            else answered.content.decode("utf-8", "replace")
        )
    story.next(f"slipway outputs {model}{'' if stage == 'local' else f' --stage {stage}'}")


def _answers(wire: Wire, content: bytes) -> Any:
    """Return the predictions; what an inference.py of a person's own answers may have any form."""
    try:
        return wire.decode(content)
    except ValueError:
        return content.decode("utf-8", "replace")


def read_text(argument: str) -> str:
    """Return the text of an argument that is one, of a file or of standard input.

    Raises:
        BadInput: it is neither, or not UTF-8.
    """
    if argument == "-":
        return sys.stdin.read()
    try:
        is_file = Path(argument).is_file()
    except OSError:  # a row that is longer than a file's name may be
        is_file = False
    if is_file:
        try:
            return Path(argument).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise BadInput(f"{argument} is not UTF-8 text.", fix="Save it as a CSV file in UTF-8.") from None
    if "," in argument or "|" in argument or _number(argument) is not None:
        return argument
    raise BadInput(
        f"{argument!r} is neither a file nor a row of numbers.", fix="Write a row as 6.5,3.0,5.2,2.0"
    )


def read_rows(
    text: str,
    signature: Mapping[str, Any] | None = None,
    left_out: Callable[[Sequence[str]], object] = lambda _names: None,
) -> list[Row]:
    """Return the rows of a text: lists, or objects under a header.

    A cell is a number, a text or, where it is empty, None. The signature says which columns are texts;
    without one, what looks like a number is one.

    Args:
        text: CSV, or rows split by |.
        signature: the model's.
        left_out: is given the columns that a header names and the model does not take.

    Raises:
        BadInput: there are no rows, or one is not as wide as its header.
    """
    table = [row for row in rows_of(text) if any(row) or len(row) > 1]
    if not table:
        raise BadInput(
            "There are no rows to predict.", fix="Give a row, a CSV file, or rows on standard input."
        )
    features = signature["features"] if signature else []
    texts = {feature["name"] for feature in features if "categories" in feature}
    names = [feature["name"] for feature in features]
    if not _is_header(table, names):
        by_width = {len(names): names, len(names) + 1: ["id", *names]}
        return [
            [_cell(cell, name in texts) for name, cell in zip(by_width.get(len(row), row), row, strict=True)]
            for row in table
        ]
    header = table.pop(0)
    if not table:
        raise BadInput("There are no rows below the header.", fix="Give it at least one.")
    for number, row in enumerate(table, start=1):
        if len(row) != len(header):
            raise BadInput(
                f"Row {number} has {len(row)} cells, and the header names {len(header)}.", fix="Mend the row."
            )
    # Beside all features other columns are left out; else the model tells the unknown or missing one.
    kept = set(names) if names and set(names) <= set(header) else set(header)
    left_out([name for name in header if name not in kept])
    return [
        {
            name: _cell(cell, name in texts or name == "id")
            for name, cell in zip(header, row, strict=True)
            if name in kept
        }
        for row in table
    ]


def _is_header(table: list[list[str]], names: list[str]) -> bool:
    """Whether the first row names columns: some that the model has, or else no number among several rows."""
    first = table[0]
    if names and not {"id", *names}.isdisjoint(first):
        return True
    return not names and len(table) > 1 and all(_number(cell) is None for cell in first)


def _cell(cell: str, text: bool) -> float | str | None:
    if not cell:
        return None
    number = None if text else _number(cell)
    return cell if number is None else number


def _number(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def _signature(project: Project, model: str, version: str) -> Mapping[str, Any] | None:
    """Return the signature of what is deployed, where its artifact is on this machine."""
    try:
        signature: Mapping[str, Any] = load_artifact(project.root, model, version).manifest["signature"]
    except (ArtifactMissing, ArtifactInvalid):
        return None
    return signature
