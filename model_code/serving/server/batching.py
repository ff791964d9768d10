"""Requests that share one call of the engine."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from ..engines import Engine
from ..signature import Matrix


class Batcher:
    """Puts what arrives in one turn of the event loop into one call.

    There is no timer, so a request that is alone is answered at once. For engines whose calls cost much more
    than their rows: a forest of scikit-learn takes as long for one row as for a thousand. ONNX Runtime needs
    microseconds for a call, and goes without.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: list[tuple[Matrix, asyncio.Future[Any]]] = []

    async def predict(self, matrix: Matrix) -> Any:
        """Return the engine's values for a matrix. Raises what the engine raises for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((matrix, future))
        if len(self._waiting) == 1:
            # Twice, so that every request whose bytes are here already is parsed before the call.
            loop.call_soon(loop.call_soon, self._flush)
        return await future

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            values = self._engine.predict(
                np.concatenate([matrix for matrix, _ in waiting]) if len(waiting) > 1 else waiting[0][0]
            )
        except Exception as error:
            if len(waiting) == 1:
                _settle(waiting[0][1], error=error)
                return
            for matrix, future in waiting:  # one of them is to blame: the others get their answer
                try:
                    _settle(future, self._engine.predict(matrix))
                except Exception as own:
                    _settle(future, error=own)
            return
        start = 0
        for matrix, future in waiting:
            end = start + len(matrix)
            _settle(future, values[start:end])
            start = end


def _settle(future: asyncio.Future[Any], values: Any = None, error: Exception | None = None) -> None:
    if future.done():  # the caller has gone
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(values)
