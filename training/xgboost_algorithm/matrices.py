"""From the files of a channel to XGBoost's own form of data."""

import contextlib
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xgboost as xgb

from training.xgboost_algorithm.data_files import check_csv, check_libsvm, data_files
from training.xgboost_algorithm.errors import UserError


def load(folder: Path, form: str, *, weights: bool = False) -> Any:
    """Return a channel's data as a DMatrix, or None where the channel has none.

    `form` is csv, libsvm or parquet; with `weights`, column 1 of a CSV file holds each row's weight. Rows
    are in the order of the files' names. Raises UserError for data that cannot be read.
    """
    files = data_files(folder)
    if not files:
        return None
    if form == "parquet":
        matrix = _parquet(files)
    elif form == "csv":
        weight = "&weight_column=1" if weights else ""
        matrix = _text(files, f"format=csv&label_column=0&delimiter={check_csv(files)}{weight}", form)
    else:
        check_libsvm(files)
        matrix = _text(files, "format=libsvm", form)
    if matrix.get_label().size == 0:
        raise UserError("Got input data without labels. Please check the input data set.")
    return matrix


def _text(files: Sequence[Path], query: str, form: str) -> Any:
    """Load text through XGBoost's own reader, as the image does, so that the numbers are the same.

    It takes an address, in which `;`, `?` and `#` have a meaning: links with plain names stand for the
    files.
    """
    targets = [path.resolve() for path in files]
    with tempfile.TemporaryDirectory() as links, contextlib.chdir(links), xgb.config_context(verbosity=0):
        for number, target in enumerate(targets):
            Path(str(number)).symlink_to(target)
        # The last `;` makes a list of one as well: of a lone link the reader takes what is behind it.
        address = "".join(f"{number};" for number in range(len(targets)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # this way of reading is to go, and the image uses it
            try:
                return xgb.DMatrix(f"{address}?{query}")
            except (xgb.core.XGBoostError, ValueError) as error:
                raise UserError(
                    f"Failed to load {form} data with exception:\n{first_lines(error)}"
                ) from error


def _parquet(files: Sequence[Path]) -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise UserError(
            "Parquet needs pyarrow, which is not installed here. Write the data as CSV."
        ) from error
    try:
        data = parquet.read_table([str(path) for path in files]).to_pandas().to_numpy()
        return xgb.DMatrix(data[:, 1:], label=data[:, 0])
    except Exception as error:
        raise UserError(f"Failed to load parquet data with exception:\n{first_lines(error)}") from error


def first_lines(error: Exception) -> str:
    """Return what an error of XGBoost says, without its C++ stack and without empty lines."""
    said = str(error).partition("\nStack trace:")[0]
    return "\n".join(line for line in said.splitlines() if line.strip())
