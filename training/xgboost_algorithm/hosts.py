"""Several hosts: they meet, say which of them have data, and those train as one."""

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import xgboost as xgb
from xgboost import collective
from xgboost.tracker import RabitTracker

from training.xgboost_algorithm.errors import PlatformError, UserError
from training.xgboost_algorithm.job import Job
from training.xgboost_algorithm.matrices import first_lines

PORT = 9099
MEETING_S = 120
SILENCE_S = 300
"""How long a host may leave the others without an answer before they give up."""
_RETRY_S = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Meeting:
    address: str
    port: int


def train_together(job: Job, has_data: bool, train: Callable[[bool], None]) -> None:
    """Call `train(is_master)` on every host with data, joined by XGBoost's collective; the first is master.

    A host without data takes no further part. Raises UserError where none has any, PlatformError where the
    hosts do not find each other within two minutes or one of them is gone.
    """
    try:
        with _joined(job.hosts, job.host, _first_meeting(job), tracker=None):
            with_data = [host for host, has in _tell_all({job.host: has_data}) if has]
            if not with_data:
                raise UserError("No hosts received training data.")
            tracker = _open_next(with_data, job)
            meeting = _tell_next(tracker, with_data, job)
        if not has_data:
            _log.warning("Host %s not being used for distributed training.", job.host)
        elif meeting is None:
            train(True)
        else:
            with _joined(with_data, job.host, meeting, tracker):
                train(job.host == with_data[0])
    except xgb.core.XGBoostError as error:
        raise PlatformError(
            f"The hosts {', '.join(job.hosts)} lost each other: one has ended, or was not heard of in time. "
            f"Its own log says why.\nXGBoost on {job.host}: {first_lines(error)}"
        ) from error


def _first_meeting(job: Job) -> _Meeting:
    if job.port:
        return _Meeting("127.0.0.1", job.port)
    return _Meeting(_address(job.hosts[0]), PORT)


def _address(host: str) -> str:
    """Return the address of a host, waiting for its name to be known."""
    end = time.monotonic() + MEETING_S
    while True:
        try:
            return socket.gethostbyname(host)
        except OSError as error:
            if time.monotonic() > end:
                raise PlatformError(f"The host {host} is not known by name: {error}") from error
            time.sleep(_RETRY_S)


def _open(hosts: Sequence[str], address: str, port: int) -> RabitTracker:
    tracker = RabitTracker(len(hosts), address, port, sortby="task", timeout=MEETING_S)
    tracker.start()
    return tracker


@contextmanager
def _joined(hosts: Sequence[str], host: str, meeting: _Meeting, tracker: Any) -> Iterator[None]:
    """Join a group, in which a host's rank is its place in `hosts`; the first host leads it."""
    if tracker is None and host == hosts[0]:
        tracker = _open(hosts, meeting.address, meeting.port)
    arguments = {
        "dmlc_tracker_uri": meeting.address,
        "dmlc_tracker_port": meeting.port,
        "dmlc_task_id": f"{hosts.index(host):05d}",  # the ranks follow these as text
        "dmlc_timeout": SILENCE_S,
        "dmlc_retry": 1,  # the loop around this asks again, sooner than XGBoost would
    }
    context = _enter(arguments)
    try:
        yield
    finally:
        with suppress(xgb.core.XGBoostError):
            context.__exit__(None, None, None)
        if tracker is not None:
            with suppress(xgb.core.XGBoostError, ValueError):
                tracker.wait_for(timeout=5)
            with suppress(xgb.core.XGBoostError):
                tracker.free()


def _enter(arguments: dict[str, Any]) -> Any:
    end = time.monotonic() + MEETING_S
    while True:
        context = collective.CommunicatorContext(**arguments)
        with xgb.config_context(verbosity=0):  # the leader may well come later, which is no news
            try:
                context.__enter__()
                return context
            except xgb.core.XGBoostError:
                if time.monotonic() > end:
                    raise
        time.sleep(_RETRY_S)


def _tell_all(mine: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return what every host says, in the order of their ranks."""
    told: list[tuple[str, Any]] = []
    for rank in range(collective.get_world_size()):
        said = collective.broadcast(json.dumps(mine) if rank == collective.get_rank() else "", rank)
        told += json.loads(str(said)).items()
    return told


def _open_next(with_data: Sequence[str], job: Job) -> Any:
    """Open the training's own meeting place, at a free port, where this host leads the training."""
    if job.host != with_data[0] or len(with_data) == 1:
        return None
    return _open(with_data, "127.0.0.1" if job.port else _address(job.host), 0)


def _tell_next(tracker: Any, with_data: Sequence[str], job: Job) -> _Meeting | None:
    """Return where the hosts with data meet, which the leader tells all; None where it is alone."""
    mine = tracker.worker_args() if tracker else {}
    for host, arguments in _tell_all({job.host: mine}):
        if host == with_data[0] and arguments:
            return _Meeting(str(arguments["dmlc_tracker_uri"]), int(arguments["dmlc_tracker_port"]))
    return None
