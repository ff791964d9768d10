"""Matrices in NumPy's own format, read without unpickling and without believing their header."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import RequestError
from .signature import Matrix, Signature

_LONGEST = 2**62  # of an axis: more is no size in memory


def read_npy(body: bytes, signature: Signature) -> Matrix:
    """Read a matrix of shape (rows, features).

    NumPy's own reader allocates what the header asks for before it looks at the data; here the header must
    fit the bytes that are there.

    Raises:
        RequestError: it is not such a matrix, or it holds what is not a finite number.
    """
    stream = io.BytesIO(body)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read_header(stream)
    except Exception:  # NumPy reads it as Python's own literals, and raises whatever that does
        raise _not_npy() from None
    # NumPy takes True for a length, and so many digits that they cannot be printed.
    if not all(type(length) is int and abs(length) <= _LONGEST for length in shape):
        raise _not_npy()
    if dtype.hasobject or dtype.kind not in "fiu":
        raise RequestError(
            "not_a_number",
            f"The matrix has the type {str(dtype)[:100]}; floats and integers are taken, and never pickles.",
            hint="Convert it: matrix.astype('float64').",
        )
    width = signature.width
    if len(shape) != 2 or shape[1] not in (width, width + int(signature.id_column)):
        raise RequestError(
            "wrong_column_count",
            f"The matrix has the shape {str(shape)[:100]}; this model takes (rows, {width}).",
            hint=f"Columns in order: {signature.shown_features}.",
        )
    if shape[0] < 1:
        raise signature.no_rows()
    signature.check_row_count(shape[0])
    start = stream.tell()
    if shape[0] * shape[1] * dtype.itemsize != len(body) - start:
        raise RequestError(
            "not_npy", "The matrix is shorter or longer than its header says.", hint="Send all of it."
        )
    values = np.frombuffer(body, dtype=dtype, offset=start)
    matrix = values.reshape(shape[::-1]).T if fortran else values.reshape(shape)
    return signature.checked(matrix[:, -width:])


def _not_npy() -> RequestError:
    return RequestError(
        "not_npy", "The body is not a matrix in NumPy's format.", hint="Write it with numpy.save(…)."
    )


def write_npy(values: npt.NDArray[Any]) -> bytes:
    """Write predictions as NumPy's format has them."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, allow_pickle=False)
    return stream.getvalue()
