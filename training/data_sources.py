"""Where data comes from: scikit-learn, a file of the model folder, or an object of S3."""

from __future__ import annotations

import gzip
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from slipway.errors import DataInvalid, did_you_mean
from stacks.model_section import ModelSection

from .data_csv import CsvTable
from .data_errors import not_there, wrong_type
from .data_table import Column, Kind, Table

# The bundled data sets of scikit-learn with one label; none needs a network.
SKLEARN_SETS = ("breast_cancer", "diabetes", "digits", "iris", "wine")
_UNIT = re.compile(r"^(?P<name>.*?)\s*\((?P<unit>[^()]+)\)$")


@contextmanager
def open_table(section: ModelSection, folder: Path) -> Iterator[Table]:
    """Open the data that `[model]` names.

    Args:
        section: the model folder's.
        folder: what paths are relative to.

    Raises:
        DataInvalid: it is not there, may not be read, or is not of the form that its name says.
    """
    source = section.data
    scheme, _, name = source.partition(":")
    with ExitStack() as closing:
        if scheme == "sklearn":
            yield sklearn_table(name, section.label, codes=section.label_codes)
            return
        if source.startswith("s3://"):
            from .data_s3 import download

            file = cast(BinaryIO, closing.enter_context(tempfile.TemporaryFile()))
            download(source, file)
            file.seek(0)
        elif "://" in source:
            raise DataInvalid(
                f"{source} cannot be read.",
                why="Data is `sklearn:<name>`, a file in the model folder, or s3://bucket/key.",
                fix="Put the file into the folder's data/ and set `data` to its path there.",
            )
        else:
            file = closing.enter_context(_open(folder / source, source))
        if source.endswith(".parquet"):
            from .data_parquet import ParquetTable

            yield ParquetTable(file, source)
            return
        if source.endswith(".gz"):
            file = cast(BinaryIO, closing.enter_context(gzip.open(file)))
        yield CsvTable(file, source)


@dataclass
class ArrayTable:
    """A data set of scikit-learn: numbers throughout, its label excepted.

    Args:
        columns: by name.
        units: the unit of a column, where it is known.
    """

    columns: Mapping[str, Column]
    units: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Its columns, in order."""
        return list(self.columns)

    def read(self, kinds: Mapping[str, Kind]) -> dict[str, Column]:
        """Read some columns; see `Table`."""
        for name, kind in kinds.items():
            if kind == "category":
                fix = f"Take {name!r} out of `categories`."
                raise wrong_type("The data of scikit-learn", name, "number of a category", fix)
        return {
            name: self.columns[name].astype(np.float64) if kind == "number" else self.columns[name]
            for name, kind in kinds.items()
        }


def sklearn_table(name: str, label: str, *, codes: bool) -> ArrayTable:
    """Return a data set of scikit-learn.

    Args:
        name: which.
        label: what to call its label.
        codes: leave classes as the integers that they are there.

    Raises:
        DataInvalid: there is none of that name with one label.
    """
    if name not in SKLEARN_SETS:
        raise DataInvalid(
            f"scikit-learn has no data set {name!r} that fits here.",
            why=f"These do: {', '.join(SKLEARN_SETS)}. {did_you_mean(name, SKLEARN_SETS)}".strip(),
            fix="Name one of them, or a file.",
        )
    import sklearn.datasets

    bunch: Any = getattr(sklearn.datasets, f"load_{name}")()
    units: dict[str, str] = {}
    columns: dict[str, Column] = {}
    for place, given in enumerate(bunch.feature_names):
        match = _UNIT.match(given)
        column = re.sub(r"\W+", "_", match["name"] if match else given).strip("_").lower()
        columns[column] = np.asarray(bunch.data, dtype=np.float64)[:, place]
        if match:
            units[column] = match["unit"]
    target = bunch.target
    if "target_names" in bunch and not codes:
        names = np.asarray(bunch.target_names)
        target = names[target].astype(object) if names.dtype.kind in "US" else target
    return ArrayTable({**columns, label: target}, units)


def _open(path: Path, source: str) -> BinaryIO:
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise not_there(source) from None
    except (IsADirectoryError, PermissionError) as error:
        raise DataInvalid(
            f"{source} cannot be read: {error.strerror}.", fix="Let `data` name one file."
        ) from None
