"""Reading a file and predicting without HTTP, in the ways that a person would write first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.csv

_CHUNK = 100_000


def pandas_whole(estimator: Any, source: Path, target: Path) -> None:
    """The whole file at once."""
    table = pd.read_csv(source, header=None)
    _save(estimator.predict(table.to_numpy()), target)


def _pandas_chunks(estimator: Any, source: Path, target: Path) -> None:
    with target.open("w") as out, pd.read_csv(source, header=None, chunksize=_CHUNK) as chunks:
        for chunk in chunks:
            out.write("\n".join(map(str, estimator.predict(chunk.to_numpy()))) + "\n")


def _pyarrow(estimator: Any, source: Path, target: Path) -> None:
    options = pyarrow.csv.ReadOptions(autogenerate_column_names=True)
    table = pyarrow.csv.read_csv(source, read_options=options)
    _save(estimator.predict(np.column_stack([column.to_numpy() for column in table.columns])), target)


def _numpy(estimator: Any, source: Path, target: Path) -> None:
    _save(estimator.predict(np.loadtxt(source, delimiter=",", dtype=np.float32)), target)


def _save(labels: Any, target: Path) -> None:
    target.write_text("\n".join(map(str, labels.tolist())) + "\n")


WAYS: dict[str, Callable[[Any, Path, Path], None]] = {
    "pandas.read_csv, the whole file": pandas_whole,
    "pandas.read_csv, 100,000 rows at a time": _pandas_chunks,
    "pyarrow.csv.read_csv, all cores": _pyarrow,
    "numpy.loadtxt": _numpy,
}
