"""Reading a data set: a table of numbers, and a label."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from slipway.errors import DataInvalid, did_you_mean
from stacks.model_section import ModelSection
from stacks.settings import ModelSettings

# The bundled data sets of scikit-learn with one label; none needs a network.
SKLEARN_SETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")
_UNIT = re.compile(r"^(?P<name>.*?)\s*\((?P<unit>[^()]+)\)$")


@dataclass(frozen=True)
class Dataset:
    """A data set as a model sees it.

    Args:
        features: float64 columns by name, finite throughout, in the signature's order.
        label: one value a row: str or int for classes, float64 for a number.
        units: the unit of a feature, where it is known.
        source: what `data` says.
        sha256: of the values and names, whatever file they came in.
    """

    features: pd.DataFrame
    label: pd.Series
    units: dict[str, str]
    source: str
    sha256: str


def load_dataset(settings: ModelSettings) -> Dataset:
    """Read the data that `[model]` names.

    Raises:
        DataInvalid: it is not there, or not a table of numbers with that label.
    """
    section = settings.model
    scheme, _, name = section.data.partition(":")
    if scheme == "sklearn":
        table, units = _read_sklearn(name, section.label, codes=section.label_codes)
    elif "://" in section.data:
        raise DataInvalid(
            f"{section.data} cannot be read.",
            why="Data is `sklearn:<name>` or a CSV file in the model folder.",
            fix=f"Put the file into model_code/{settings.name}/data/ and set data to its path there.",
        )
    else:
        table, units = _read_csv(settings.folder / section.data, section.data), {}
    if section.label not in table.columns:
        raise _no_column(section.data, "label", section.label, table)
    wanted = list(section.features or [name for name in table.columns if name != section.label])
    for column in wanted:
        if column not in table.columns or column == section.label:
            raise _no_column(section.data, "feature", column, table.drop(columns=section.label))
    features = pd.DataFrame({column: _numbers(table[column], section.data) for column in wanted})
    if features.empty:
        raise DataInvalid(f"{section.data} has no rows or no feature columns.", fix="Give it at least one.")
    label = _label(table[section.label], section)
    return Dataset(features, label, units, section.data, _digest(features, label))


def _read_sklearn(name: str, label: str, *, codes: bool) -> tuple[pd.DataFrame, dict[str, str]]:
    if name not in SKLEARN_SETS:
        raise DataInvalid(
            f"scikit-learn has no data set {name!r} that fits here.",
            why=f"These do: {', '.join(SKLEARN_SETS)}. {did_you_mean(name, SKLEARN_SETS)}".strip(),
            fix="Name one of them, or a CSV file.",
        )
    import sklearn.datasets

    bunch: Any = getattr(sklearn.datasets, f"load_{name}")()
    units: dict[str, str] = {}
    columns: list[str] = []
    for given in bunch.feature_names:
        match = _UNIT.match(given)
        column = re.sub(r"\W+", "_", match["name"] if match else given).strip("_").lower()
        columns.append(column)
        if match:
            units[column] = match["unit"]
    table = pd.DataFrame(np.asarray(bunch.data, dtype=np.float64), columns=columns)
    target = bunch.target
    if "target_names" in bunch and not codes:
        names = np.asarray(bunch.target_names)
        target = names[target] if names.dtype.kind in "US" else target
    table[label] = target
    return table, units


def _read_csv(path: Path, shown: str) -> pd.DataFrame:
    try:
        # Everything as text first: what a cell says decides, not what a parser guesses.
        table = pd.read_csv(
            path, dtype=str, keep_default_na=False, skipinitialspace=True, encoding="utf-8-sig"
        )
    except FileNotFoundError:
        raise DataInvalid(
            f"{shown} is not there.", why="Paths are relative to the model folder.", fix="Mend `data`."
        ) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, IsADirectoryError) as error:
        raise DataInvalid(f"{shown} is not a CSV table: {error}", fix="Mend the file.") from None
    duplicated = [name for name in table.columns if re.search(r"\.\d+$", name)]
    if duplicated and duplicated[0].rpartition(".")[0] in table.columns:
        raise DataInvalid(
            f"{shown} has the column {duplicated[0].rpartition('.')[0]!r} twice.", fix="Rename one of them."
        )
    return table


def _numbers(column: pd.Series, source: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = ~np.isfinite(numbers.to_numpy())
    if wrong.any():
        position = int(np.flatnonzero(wrong)[0])
        cell = column.iloc[position]
        raise DataInvalid(
            f"{source}, row {position + 1}, column {column.name!r}: "
            + (f"{cell!r} is not a finite number." if str(cell).strip() else "the cell is empty."),
            why="Features are finite numbers.",
            fix="Fill the cell in, or leave the column out with `features`.",
        )
    return numbers


def _label(column: pd.Series, section: ModelSection) -> pd.Series:
    source = section.data
    if section.task == "regression":
        return _numbers(column, source)
    if column.dtype == object:
        empty = column.astype(str).str.strip() == ""
        if empty.any():
            row = int(np.flatnonzero(empty.to_numpy())[0]) + 1
            raise DataInvalid(f"{source}, row {row}: the label is empty.", fix="Fill it in or drop the row.")
        whole = column.astype(str).str.fullmatch(r"[+-]?\d{1,18}")
        column = column.astype(np.int64) if whole.all() else column.astype(str)
        if section.label_codes and column.dtype == object:
            column = column.map({name: code for code, name in enumerate(sorted(column.unique()))})
    counts = column.value_counts()
    if len(counts) < 2 or counts.min() < 2:
        raise DataInvalid(
            f"{source}: the label {column.name!r} has {len(counts)} classes, "
            f"the rarest with {counts.min()} rows.",
            why="A split keeps the classes' shares, which takes two classes with two rows each at least.",
            fix="Gather more rows, drop the rare class, or use task = 'regression'.",
        )
    return column


def _no_column(source: str, what: str, name: str, table: pd.DataFrame) -> DataInvalid:
    known = [str(column) for column in table.columns]
    return DataInvalid(
        f"{source} has no {what} column {name!r}.",
        why=f"Its columns: {', '.join(known[:20])}{', …' if len(known) > 20 else ''}. "
        f"{did_you_mean(name, known)}".rstrip(),
        fix=f"Mend the {what} in model.toml, or the header row.",
    )


def _digest(features: pd.DataFrame, label: pd.Series) -> str:
    digest = hashlib.sha256()
    digest.update("\0".join([*features.columns, str(label.name)]).encode())
    digest.update(np.ascontiguousarray(features.to_numpy(dtype="<f8")).tobytes())
    digest.update("\0".join(repr(value) for value in label.tolist()).encode())
    return digest.hexdigest()
