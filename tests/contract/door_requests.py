"""Requests for every door: each form of a question, and each mistake."""

from __future__ import annotations

import io
import json

import numpy as np


def npy(rows) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(rows))
    return stream.getvalue()


ROWS = [[5.1, 3.5, 1.4, 0.2], [6.5, 3.0, 5.2, 2.0], [5.9, 3.0, 4.2, 1.5]]
MIXED = [[5.1, "red", 1.4, 0.2], [None, None, 5.2, 2.0], [1, 5.9, 'sky, "light"|er', 4.2, 1.5]]
NAMED = [dict(zip(("sepal_length", "sepal_width", "petal_length", "petal_width"), ROWS[0], strict=True))]
ONE = [[13.2], [12.1]]
WITH_ID = [[7, *ROWS[0]]]
TEXTS = ("", " ", "{", "x", "é", "[[1e999,2,3,4]]", "a,b,c,d")
VALUES = (1, "x", None, {}, [], [[]], [1], [[1]], {"rows": []}, [{}], [["1"] * 4])
JSON, CSV, LINES, NPY = "application/json", "text/csv", "application/jsonlines", "application/x-npy"
REQUESTS = [
    *((json.dumps(rows), JSON) for rows in (ROWS, MIXED[:2], MIXED[2:], NAMED, ONE, ROWS * 400, WITH_ID)),
    *((json.dumps({"instances": rows}), JSON) for rows in (ROWS, MIXED[:2], NAMED, ONE, [])),
    ("5.1,3.5,1.4,0.2|6.5,3.0,5.2,2.0\n", CSV),
    ('5.1,red,1.4,0.2\n,,5.2,2.0\n7,5.9,"sky, ""light""|er",4.2,1.5', CSV),
    ("13.2\n12.1", CSV),
    ("5.1,3.5,1.4,0.2\n" * 1001, CSV),
    ("[5.1,3.5,1.4,0.2]\n[6.5,3.0,5.2,2.0]", LINES),
    ("[5.1,3.5,1.4,0.2]\n{", LINES),
    (npy(ROWS), NPY),
    (npy(ONE), NPY),
    (npy(ROWS)[:-1], NPY),
    *((body, kind) for body in TEXTS for kind in (JSON, CSV, LINES, NPY)),
    *((json.dumps(body), JSON) for body in VALUES),
    (b"\xff\xfe", CSV),
    (b"\xff\xfe", JSON),
    ("1,2,3,4", "image/png"),
]  # fmt: skip
ACCEPTS = (None, CSV, NPY, LINES, "image/png", "text/csv;q=0.5, */*;q=0.1")
LINES_OF_DATA = [
    "5.1,3.5,1.4,0.2",
    "13.2",
    "5.1,red,1.4,0.2",
    ",,5.2,2.0",
    "",
    "a",
    "1|2",
    "1,2,3,4,5,6",
    'x"y',
]
