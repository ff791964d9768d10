"""The function's log: one line of JSON a request, and nothing of what the request says.

CloudWatch finds the members of such a line by itself. Lambda sends on what is printed.
"""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import TextIO


def say_request(
    request_id: str, route: str, status: int, rows: int, seconds: float, version: str,
    *, log: TextIO | None = None,
) -> None:  # fmt: skip
    """Print a request's line.

    Args:
        request_id: of API Gateway or Lambda.
        route: one of ours; anything else is the caller's own text.
        status: of the answer.
        rows: how many were predicted.
        seconds: from the event to the answer.
        version: of the model that answered.
        log: default: stdout.
    """
    level = "INFO" if status < 500 else "ERROR"
    # Nothing here needs escapes, and json.dumps takes longer than all the rest.
    print_line(
        f'{{"level": "{level}", "request_id": "{_plain(request_id)}", "route": "{route}", '
        f'"status": {status}, "rows": {rows}, "milliseconds": {seconds * 1000:.3f}, '
        f'"model_version": "{_plain(version)}"}}',
        log,
    )


def say_problem(code: str, message: str, *, log: TextIO | None = None, **members: str) -> None:
    """Print what is wrong with the model, or with the function."""
    line = {"level": "ERROR", "code": code, "message": message, **members}
    print_line(json.dumps(line), log)


def where(traceback: TracebackType | None, error: BaseException) -> str:
    """Return where an exception came from: its type and places, without its text, which may quote a body."""
    places = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_qualname}")
        traceback = traceback.tb_next
    return " > ".join([*places, type(error).__name__])


def print_line(text: str, log: TextIO | None = None) -> None:
    """Print in one piece, so that lines of other writers do not come between."""
    log = sys.stdout if log is None else log
    log.write(text + "\n")
    log.flush()


def _plain(text: str) -> str:
    return text if text.isascii() and text.replace("-", "").replace("=", "").isalnum() else ""
