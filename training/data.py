"""Reading a data set: a table of numbers, and a label."""

from __future__ import annotations

import collections
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.errors import DataInvalid, did_you_mean
from stacks.model_section import ModelSection
from stacks.settings import ModelSettings

from .data_errors import empty_feature, empty_label, not_a_number
from .data_sources import ArrayTable, open_table
from .data_table import Column, Kind

# Of more, a column is an id or a free text; each of them is in the signature, in forms and in OpenAPI.
MOST_CATEGORIES = 1000


@dataclass(frozen=True)
class Dataset:
    """A data set as a model sees it.

    Args:
        features: float64 columns by name, in the signature's order; never infinite. NaN is a missing value,
            and a category is its place in `categories`.
        label: one value a row: str or int for classes, float64 for a number.
        units: the unit of a feature, where it is known.
        source: what `data` says.
        sha256: of the values and names, whatever file they came in.
        categories: of each feature that is a category its texts, sorted.
    """

    features: pd.DataFrame
    label: pd.Series
    units: dict[str, str]
    source: str
    sha256: str
    categories: dict[str, tuple[str, ...]] = field(default_factory=dict)


def load_dataset(settings: ModelSettings) -> Dataset:
    """Read the data that `[model]` names.

    Raises:
        DataInvalid: it is not there, or not a table of numbers, categories and that label.
    """
    section = settings.model
    with open_table(section, settings.folder) as table:
        kinds = _kinds(section, table.names)
        columns = table.read(kinds)
        units = table.units if isinstance(table, ArrayTable) else dict[str, str]()
    label = _label(columns.pop(section.label), section)
    categories: dict[str, tuple[str, ...]] = {}
    matrix = np.empty((len(label), len(columns)), dtype=np.float64)
    for place, (name, column) in enumerate(columns.items()):
        if kinds[name] == "category":
            categories[name] = _categories(section.data, name, column)
            codes = {text: code for code, text in enumerate(categories[name])}
            column = np.array([codes.get(text, np.nan) for text in column])
        matrix[:, place] = column
    features = pd.DataFrame(matrix, columns=list(columns))
    _check(features, section)
    units = {name: unit for name, unit in units.items() if name in columns}
    return Dataset(features, label, units, section.data, _digest(features, label, categories), categories)


def _kinds(section: ModelSection, names: Sequence[str]) -> dict[str, Kind]:
    """Return which columns are wanted as what, the label last."""
    source = section.data
    twice = [name for name, count in collections.Counter(names).items() if name and count > 1]
    if twice:
        raise DataInvalid(f"{source} has the column {twice[0]!r} twice.", fix="Rename one of them.")
    if section.label not in names:
        raise _no_column(source, "label", section.label, names)
    others = [name for name in names if name != section.label]
    wanted = list(dict.fromkeys(others if section.features is None else section.features))
    for name in wanted:
        if not name:
            raise DataInvalid(
                f"{source}: column {names.index('') + 1} has no name.",
                why="Tables saved with their row numbers have such a column first.",
                fix="Name it, save the table without row numbers, or list the columns to use in `features`.",
            )
        if name not in others:
            raise _no_column(source, "feature", name, others)
    for name in section.categories:
        if name not in wanted:
            raise _no_column(source, "category", name, wanted)
    if not wanted:
        raise DataInvalid(f"{source} has no feature columns.", fix="Give it at least one.")
    kinds: dict[str, Kind] = {name: "category" if name in section.categories else "number" for name in wanted}
    return {**kinds, section.label: "number" if section.task == "regression" else "class"}


def _categories(source: str, name: str, column: Column) -> tuple[str, ...]:
    found = sorted(set(column.tolist()) - {None})
    if len(found) > MOST_CATEGORIES:
        raise DataInvalid(
            f"{source}, column {name!r}: {len(found):,} different texts are too many categories.",
            why=f"At most {MOST_CATEGORIES:,} are taken; a column of more is mostly an id or a free text.",
            fix="Join the rare ones into one, or leave the column out with `features`.",
        )
    return tuple(found)


def _check(features: pd.DataFrame, section: ModelSection) -> None:
    """Refuse infinite values, missing ones where they may not be, and columns without any."""
    matrix = features.to_numpy()
    missing = np.isnan(matrix)
    if not section.takes_missing_values and missing.any():
        row, place = np.argwhere(missing)[0]
        raise empty_feature(section.data, int(row) + 1, str(features.columns[place]))
    if np.isinf(matrix).any():
        row, place = np.argwhere(np.isinf(matrix))[0]
        name = str(features.columns[place])
        raise not_a_number(section.data, int(row) + 1, name, str(matrix[row, place]))
    if (empty := missing.all(axis=0)).any():
        raise DataInvalid(
            f"{section.data}, column {features.columns[int(empty.argmax())]!r}: every cell is empty.",
            fix="Leave the column out with `features`.",
        )


def _label(values: Column, section: ModelSection) -> pd.Series:
    source, name = section.data, section.label
    if not len(values):
        raise DataInvalid(f"{source} has no rows.", fix="Give it at least one row under the header.")
    missing = np.asarray(pd.isna(values))
    if missing.any():
        raise empty_label(source, int(missing.argmax()) + 1, name)
    if section.task == "regression":
        wrong = ~np.isfinite(values)
        if wrong.any():
            row = int(wrong.argmax())
            raise not_a_number(source, row + 1, name, str(values[row]))
        return pd.Series(values, name=name)
    column = pd.Series(_classes(values, codes=section.label_codes), name=name)
    counts = column.value_counts()
    if len(counts) < 2 or counts.min() < 2:
        raise DataInvalid(
            f"{source}: the label {name!r} has {len(counts)} classes, the rarest with {counts.min()} rows.",
            why="A split keeps the classes' shares, which takes two classes with two rows each at least.",
            fix="Gather more rows, drop the rare class, or use task = 'regression'.",
        )
    return column


def _classes(values: Column, *, codes: bool) -> npt.NDArray[Any]:
    """Return integers where every class is one, else texts, or with `codes` their places when sorted."""
    if values.dtype != object:
        return values
    if all(re.fullmatch(r"[+-]?\d{1,18}", str(value)) for value in values.tolist()):
        return values.astype(np.int64)
    if not codes:
        return values
    places = {text: code for code, text in enumerate(sorted(set(values.tolist())))}
    return np.array([places[text] for text in values.tolist()], dtype=np.int64)


def _no_column(source: str, what: str, name: str, names: Iterable[str]) -> DataInvalid:
    known = [known for known in names if known]
    return DataInvalid(
        f"{source} has no {what} column {name!r}.",
        why=f"Its columns: {', '.join(known[:20])}{', …' if len(known) > 20 else ''}. "
        f"{did_you_mean(name, known)}".rstrip(),
        fix=f"Mend the {what} in model.toml, or the header row.",
    )


def _digest(features: pd.DataFrame, label: pd.Series, categories: dict[str, tuple[str, ...]]) -> str:
    digest = hashlib.sha256()
    digest.update("\0".join([*features.columns, str(label.name)]).encode())
    matrix = features.to_numpy(dtype="<f8")
    # One kind of NaN, whatever wrote the file.
    digest.update(np.ascontiguousarray(np.where(np.isnan(matrix), np.nan, matrix)).tobytes())
    digest.update("\0".join(repr(value) for value in label.tolist()).encode())
    for name, texts in sorted(categories.items()):
        digest.update("\0".join([name, *texts]).encode())
    return digest.hexdigest()
