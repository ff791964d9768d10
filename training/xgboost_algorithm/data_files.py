"""Which files of a channel are read, and a look at them before XGBoost reads them."""

import csv
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.xgboost_algorithm.errors import UserError

MAX_FOLDER_DEPTH = 3
_OF_NUMBERS = b"0123456789.+-eE \t\r\n"
_log = logging.getLogger(__name__)


def data_files(folder: Path) -> list[Path]:
    """Return the files of a channel, by name; an empty list where it is empty or was not given.

    Names that start with `_` are no data. Raises UserError for a hidden file; leaves out, with a warning,
    what lies deeper than three folders.
    """
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        if any(name.startswith(".") for name in names):
            raise UserError("Hidden file found in the data path! Remove that before training.")
        files = [
            path for name in names if not name.startswith("_") and (path := Path(root, name)).stat().st_size
        ]
        if len(Path(root).relative_to(folder).parts) < MAX_FOLDER_DEPTH:
            found += files
        elif files:
            _log.warning(
                "The depth of folder %s exceed the limit %d. Files in deeper sub dirs won't be loaded."
                " Please adjust the folder structure accordingly.",
                folder,
                MAX_FOLDER_DEPTH,
            )
    return sorted(found)


def sniff_delimiter(line: str) -> str:
    """Return what stands between the cells of a line. Raises UserError."""
    try:
        delimiter = csv.Sniffer().sniff(line).delimiter
    except csv.Error as error:
        raise UserError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from error
    if delimiter.isalnum() or delimiter in ".+-\r\n":  # guessed from a line of one cell
        raise UserError(f"Could not determine delimiter on line {line[:50]}:\nit has only one cell")
    _log.info("Determined delimiter of CSV input is '%s'", delimiter)
    return delimiter


def check_csv(files: Sequence[Path]) -> str:
    """Return the delimiter of the first file.

    Raises UserError for a label that is missing and for a cell that is no number, a header above all. The
    image takes them for 0 and for a missing value and trains on; here the job fails instead.
    """
    with files[0].open(encoding="utf-8", errors="ignore") as file:
        delimiter = sniff_delimiter(file.readline())
    separator = delimiter.encode()
    for path in files:
        for number, line in _suspect_lines(path, separator):
            for column, cell in enumerate(line.split(separator)):
                _check_cell(cell.strip(), f"{path.name} line {number}", column)
    return delimiter


def _suspect_lines(path: Path, separator: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with anything but numbers, and those that start without a label."""
    plain = _OF_NUMBERS + separator
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip(b"\r\n") and (
                line.lstrip(b" ").startswith(separator) or line.translate(None, plain)
            ):
                yield number, line


def _check_cell(cell: bytes, where: str, column: int) -> None:
    if not cell and column > 0:
        return
    try:
        float(cell)
    except ValueError:
        text = cell.decode("utf-8", "replace")[:50]
        what = f"the label is {text!r}" if column == 0 else f"column {column} is {text!r}"
        raise UserError(
            f"Failed to load csv data with exception:\n{where}: {what}, not a number. "
            "The file must have no header, the label in column 0, and numbers alone."
        ) from None


def check_libsvm(files: Sequence[Path]) -> None:
    """Raise UserError where the first line with features of a file is not `label index:value …`."""
    for path in files:
        with path.open(encoding="utf-8", errors="ignore") as file:
            for line in file:
                label, *features = line.split() or ["0"]
                if not _is_label(label) or not all(part.count(":") == 1 for part in features):
                    raise UserError(
                        f"First line '{line[:50].rstrip()}...' of file '{path.name}' is not 'LIBSVM' format. "
                        "Please ensure the file is in 'LIBSVM' format."
                    )
                if len(features) > 1:
                    break


def _is_label(text: str) -> bool:
    parts = text.split(":")
    try:
        return len(parts) <= 2 and all(float(part) == float(part) for part in parts)
    except ValueError:
        return False
