"""Whether requests may share a call of the engine."""

from __future__ import annotations

import numpy as np

from ..doors.served import Served

# 64 rows in all: as many as may share a call under load.
_COMPARED_ROWS, _COMPARED_TIMES = 8, 8


def rows_are_independent(served: Served) -> bool:
    """Tell whether a row's answer is the same to the last bit beside other rows.

    Products of matrices may round otherwise for more of them. A golden row that cannot be predicted is none
    to share a call with.
    """
    model = served.model
    try:
        matrix = model.signature.matrix(served.manifest["golden"]["rows"][:_COMPARED_ROWS])
        alone = [model.predict(matrix[row : row + 1])[0] for row in range(len(matrix))]
        return model.predict(np.tile(matrix, (_COMPARED_TIMES, 1))) == alone * _COMPARED_TIMES
    except Exception:
        return False
