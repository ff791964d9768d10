"""One file through the model: split, sent several parts at a time, answers written in the file's order."""

import io
import mmap
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from localaws.sagemaker.transform.failures import ALGORITHM, CLIENT, FileError, RecordError
from localaws.sagemaker.transform.processing import Processing
from localaws.sagemaker.transform.records import Data, Part, by_lines, line_by_line, line_number, whole
from localaws.sagemaker.transform.sender import NoAnswerError, RefusedError, Sender

_CHUNK = 1 << 20
_SEARCH_S = 30.0  # for which line a model refuses
_SERVER_ERRORS = 500


@dataclass(frozen=True)
class Plan:
    """How a file is sent: `limit` is bytes a request, None for a streamed body of any size."""

    limit: int | None
    lines: bool = False
    single: bool = False
    assemble_lines: bool = False
    processing: Processing = field(default_factory=Processing)

    def parts(self, data: Data) -> Iterator[Part]:
        """Return where the bodies of the requests are."""
        if self.lines and self.single:
            return line_by_line(data)
        if self.lines and self.limit is not None:
            return by_lines(data, self.limit)
        return whole(data)


def transform(source: Path, target: Path, plan: Plan, sender: Sender, pool: Executor, ahead: int) -> None:
    """Write the answers to `target`, in the order of `source`. At most `ahead` parts wait in the pool.

    Raises FileError, with nothing left at `target`, or StoppedError.
    """
    with _mapped(source) as data, target.open("wb") as out:
        waiting: deque[Future[bytes]] = deque()
        try:
            for part in plan.parts(data):
                waiting.append(pool.submit(_answered, data, part, plan, sender))
                if len(waiting) >= ahead:
                    out.write(waiting.popleft().result())
            while waiting:
                out.write(waiting.popleft().result())
        except BaseException:
            for future in waiting:
                future.cancel()
            wait(waiting)  # they read the file
            target.unlink()
            raise


def _answered(data: Data, part: Part, plan: Plan, sender: Sender) -> bytes:
    """Return what the output gets for one part."""
    if plan.limit is not None and part.size > plan.limit:
        raise FileError(
            CLIENT,
            f"{_place(data, part, plan)} has {part.size} bytes, and MaxPayloadInMB allows {plan.limit}",
        )
    try:
        if plan.limit is None and not plan.processing.input_filter:
            answer = sender.send(partial(_chunks, data, part))
        else:
            sent = plan.processing.to_model(data[part.start : part.end])
            answer = sender.send(lambda: sent)
        if plan.processing.join or plan.processing.output_filter:
            answer = plan.processing.to_output(data[part.start : part.end], answer)
    except RecordError as error:
        line = _line_of_record(data, part, error.record) if plan.lines else None
        raise FileError(CLIENT, f"Line {line}: {error}" if line else str(error)) from error
    except RefusedError as error:
        side = ALGORITHM if error.status >= _SERVER_ERRORS else CLIENT
        place = _bad_line(data, part, plan, sender) or _place(data, part, plan)
        raise FileError(side, f"{side}: {error.status}\n{place}\n\nMessage:\n{error}") from error
    except NoAnswerError as error:
        raise FileError(ALGORITHM, f"{error}\n{_place(data, part, plan)}") from error
    if not plan.assemble_lines:
        return answer
    return answer if answer.endswith(b"\n") else answer + b"\n"


def _chunks(data: Data, part: Part) -> Iterator[bytes]:
    return (data[at : min(at + _CHUNK, part.end)] for at in range(part.start, part.end, _CHUNK))


def _place(data: Data, part: Part, plan: Plan) -> str:
    """Return which lines a part has; empty where it is the whole file."""
    if not plan.lines:
        return "The file"
    first = line_number(data, part.start)
    last = line_number(data, part.end - 1)
    return f"Line {first}" if first == last else f"Lines {first} to {last}"


def _line_of_record(data: Data, part: Part, record: int) -> int:
    """Return the number of the line that holds a record of a part; blank lines hold none."""
    lines = io.BytesIO(data[part.start : part.end])
    holding = [number for number, line in enumerate(lines) if not line.isspace()]
    return line_number(data, part.start) + (holding[record] if record < len(holding) else 0)


def _bad_line(data: Data, part: Part, plan: Plan, sender: Sender) -> str | None:
    """Find the line that makes the model refuse a part: the last of the shortest beginning that it refuses.

    AWS leaves that to the reader. A model that refuses every beginning refuses line 1, and is asked in vain a
    few times; an answer that fails to come ends the search.
    """
    lines = io.BytesIO(data[part.start : part.end]).readlines()
    if not plan.lines or len(lines) < 2:
        return None
    accepted, refused = 0, len(lines)
    deadline = time.monotonic() + _SEARCH_S
    while refused - accepted > 1:
        middle = (accepted + refused) // 2
        body = plan.processing.to_model(b"".join(lines[:middle]))
        try:
            sender.send(lambda sent=body: sent, retry=False)  # type: ignore[misc]
            accepted = middle
        except RefusedError:
            refused = middle
        except NoAnswerError:
            return None
        if time.monotonic() > deadline:
            return None
    return f"Line {line_number(data, part.start) + refused - 1}"


@contextmanager
def _mapped(path: Path) -> Iterator[Data]:
    with path.open("rb") as file:
        if not path.stat().st_size:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data
