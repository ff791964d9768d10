"""What to say of data that cannot be read: the file, the row, the column, and what to do."""

from __future__ import annotations

from slipway.errors import DataInvalid


def at(source: str, row: int, column: str) -> str:
    """Name a cell; rows are counted from 1, without the header."""
    return f"{source}, row {row}, column {column!r}"


def not_a_number(source: str, row: int, column: str, cell: str) -> DataInvalid:
    """A number was wanted, and there is something else."""
    return DataInvalid(
        f"{at(source, row, column)}: {_shown(cell)} is not a finite number.",
        why="Features are finite numbers, or texts in the columns that `categories` names.",
        fix="Mend the cell (one without a value is empty), or, where the column is a feature, name it in "
        "`categories` or leave it out with `features`.",
    )


def empty_feature(source: str, row: int, column: str) -> DataInvalid:
    """A feature has no value, and the model folder does not take that."""
    return DataInvalid(
        f"{at(source, row, column)}: the cell is empty.",
        why="Features may be missing only with `missing_values = true` in [model].",
        fix="Fill the cell in, set `missing_values = true` if your train.py copes with NaN, or leave the "
        "column out with `features`.",
    )


def empty_label(source: str, row: int, column: str) -> DataInvalid:
    """A row has nothing to learn."""
    return DataInvalid(
        f"{at(source, row, column)}: the label is empty.",
        why="A row without a label teaches nothing.",
        fix="Fill it in or drop the row.",
    )


def wrong_type(source: str, column: str, found: str, fix: str) -> DataInvalid:
    """A whole column is of a type that is not taken."""
    return DataInvalid(
        f"{source}, column {column!r}: the type {found} is not taken here.",
        why="A feature is a number, or a text in a column that `categories` names.",
        fix=fix,
    )


def not_there(source: str) -> DataInvalid:
    """There is no such file."""
    return DataInvalid(
        f"{source} is not there.",
        why="Paths are relative to the model folder.",
        fix="Mend `data` in model.toml.",
    )


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 60 else f"{cell[:59]}…")
