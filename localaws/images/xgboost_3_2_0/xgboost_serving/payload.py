"""From a request's body to XGBoost's form of data."""

import csv
from collections.abc import Callable
from email.message import Message

import numpy as np
import xgboost as xgb
from scipy.sparse import csr_matrix

_FORMATS = {
    "csv": "csv",
    "libsvm": "libsvm",
    "parquet": "parquet",
    "recordio-protobuf": "recordio-protobuf",
    "text/csv": "csv",
    "text/libsvm": "libsvm",
    "text/x-libsvm": "libsvm",
    "application/x-parquet": "parquet",
    "application/x-recordio-protobuf": "recordio-protobuf",
}


class UnreadablePayload(Exception):
    """The body is not in a form that the image reads; its text is the answer."""


def read(body: bytes, content_type: str | None) -> xgb.DMatrix:
    """Return the rows of a body; no content type is libsvm. Raises UnreadablePayload."""
    form = _form(content_type)
    if form not in _READERS:
        raise UnreadablePayload(f"Content-type {content_type} is not supported.")
    try:
        return xgb.DMatrix(_READERS[form](body.strip().decode("utf-8")))
    except Exception as error:
        raise UnreadablePayload(
            f"Loading {form} data failed with Exception, please ensure data is in {form} format:\n"
            f" {type(error)}\n {error}"
        ) from error


def _form(content_type: str | None) -> str:
    if content_type is None:
        return "libsvm"
    header = Message()
    header["content-type"] = content_type.lower()
    kind = content_type.lower().partition(";")[0].strip()
    if kind not in _FORMATS:
        accepted = ", ".join(_FORMATS)
        raise UnreadablePayload(f"{content_type} is not an accepted ContentType: {accepted}.")
    if _FORMATS[kind] == "csv" and header.get_param("label_size", "1") != "1":
        raise UnreadablePayload(
            f"{content_type} is not an accepted csv ContentType. "
            "Optional parameter label_size must be equal to 1"
        )
    return _FORMATS[kind]


def _csv(text: str) -> np.ndarray:
    """Return the cells of a text as numbers, shape (rows, columns); an empty cell is not a number.

    The delimiter is what Python's sniffer finds in the first 512 characters of the first line, unless that
    is a letter or a digit.
    """
    lines = text.split("\n")
    found = csv.Sniffer().sniff(lines[0][:512]).delimiter
    delimiter = "," if found.isalnum() else found
    cells = [[cell or "nan" for cell in line.split(delimiter)] for line in lines]
    return np.array(cells).astype(float)


def _libsvm(text: str) -> csr_matrix:
    """Return the `index:value` parts of each line; where no index is 0, they count from 1.

    A line's label is not needed, and is left out where it is there.
    """
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for row, line in enumerate(text.split("\n")):
        for part in line.split(" "):
            if ":" in part:
                index, value = part.split(":")[:2]
                rows.append(row)
                columns.append(int(index))
                values.append(float(value))
    first = 1 if columns and min(columns) >= 1 else 0
    return csr_matrix((np.array(values), (np.array(rows), np.array(columns, dtype=int) - first)))


_READERS: dict[str, Callable[[str], np.ndarray | csr_matrix]] = {"csv": _csv, "libsvm": _libsvm}
