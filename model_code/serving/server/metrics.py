"""Counters that all workers share, as Prometheus text.

Each worker writes into its own row of one block of memory that the processes share, so that no request waits
for a lock, and whichever worker is asked for /metrics adds up all rows.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping

# Upper bounds of the latency buckets, in seconds.
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 60.0)
_CLASSES = ("2xx", "4xx", "5xx")
_ROWS, _SECONDS, _FIRST_BUCKET = 3, 4, 5
_WIDTH = _FIRST_BUCKET + len(BUCKETS) + 1
_FLOAT_BYTES = 8


class Metrics:
    """The counters of a server with some workers. Make it before the workers are forked."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._cells = memoryview(mmap.mmap(-1, workers * _WIDTH * _FLOAT_BYTES)).cast("d")
        self._row = 0

    def use_row(self, worker: int) -> None:
        """Count into this worker's row; one that replaces a dead worker goes on with its counts."""
        self._row = worker * _WIDTH

    def count(self, status: int, rows: int, seconds: float) -> None:
        """Count one request.

        Args:
            status: of the answer.
            rows: how many were predicted.
            seconds: from the whole body to the answer.
        """
        cells, row = self._cells, self._row
        cells[row + (0 if status < 400 else 1 if status < 500 else 2)] += 1
        cells[row + _ROWS] += rows
        cells[row + _SECONDS] += seconds
        bucket = row + _FIRST_BUCKET
        for bound in BUCKETS:
            if seconds <= bound:
                break
            bucket += 1
        cells[bucket] += 1

    def text(self, labels: Mapping[str, str]) -> str:
        """Return the Prometheus exposition of all workers together.

        Args:
            labels: of the one metric that says what is served.
        """
        totals = [
            sum(self._cells[worker * _WIDTH + place] for worker in range(self._workers))
            for place in range(_WIDTH)
        ]
        described = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
        lines = [
            "# HELP slipway_model_info What is served.",
            "# TYPE slipway_model_info gauge",
            f"slipway_model_info{{{described}}} 1",
            "# HELP slipway_requests_total Requests for predictions, by the class of their status.",
            "# TYPE slipway_requests_total counter",
            *(
                f'slipway_requests_total{{status="{name}"}} {totals[n]:.0f}'
                for n, name in enumerate(_CLASSES)
            ),
            "# HELP slipway_rows_total Rows predicted.",
            "# TYPE slipway_rows_total counter",
            f"slipway_rows_total {totals[_ROWS]:.0f}",
            "# HELP slipway_request_seconds Time from the whole body to the answer.",
            "# TYPE slipway_request_seconds histogram",
        ]
        below = 0.0
        for number, bound in enumerate(BUCKETS):
            below += totals[_FIRST_BUCKET + number]
            lines.append(f'slipway_request_seconds_bucket{{le="{bound:g}"}} {below:.0f}')
        below += totals[-1]
        lines += [
            f'slipway_request_seconds_bucket{{le="+Inf"}} {below:.0f}',
            f"slipway_request_seconds_sum {totals[_SECONDS]:.6f}",
            f"slipway_request_seconds_count {below:.0f}",
        ]
        return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
