"""Following a job that runs elsewhere: its steps, its lines and its metrics as they come, until it ends."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from slipway.errors import AwsUnreachable, JobGoesOn, JobLost
from training.fit import LOG_LINES_SHOWN, Progress

from .place import Place

FINAL = ("Completed", "Failed", "Stopped")
# A service that is overloaded or briefly away; asking again does no harm.
_PASSING = (
    "InternalFailure",
    "InternalServerError",
    "RequestTimeout",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
)


@dataclass(frozen=True)
class State:
    """What a job says of itself.

    Args:
        status: InProgress, Stopping, or one of FINAL.
        steps: what it has been through, in words, the oldest first.
        metrics: the latest value of each, by name.
        reason: why it failed or was stopped.
    """

    status: str
    steps: Sequence[str] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in FINAL


class Job(Protocol):
    """A job that runs elsewhere."""

    name: str

    def state(self) -> State:
        """Ask how it is."""
        ...

    def new_lines(self) -> list[str]:
        """Return the lines that it logged since the last call."""
        ...


@dataclass(frozen=True)
class Ended:
    """How a job ended, and the last lines that it logged."""

    state: State
    tail: Sequence[str]


@dataclass(frozen=True)
class Pace:
    """How often to ask, in seconds, and for how long in vain.

    Args:
        poll_s: between two questions.
        first_pause_s: after a question that nobody answered; each further pause is twice as long.
        longest_pause_s: the longest of them.
        patience_s: of pauses in all, until following is given up.
        sleep: waits.
    """

    poll_s: float = 5.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    patience_s: float = 240.0
    sleep: Callable[[float], None] = time.sleep


def follow(job: Job, progress: Progress, *, pace: Pace, again: str, stop: str) -> Ended:
    """Tell all that happens to a job until it ends.

    Args:
        job: the job.
        progress: is given each step, line and metric.
        pace: how often to ask.
        again: the command that follows the job again.
        stop: the command that stops it.

    Raises:
        JobGoesOn: Ctrl-C; the job does not notice.
        JobLost: the network stayed away.
        AwsUnreachable: AWS refuses to say; the job goes on.
    """
    told = _Told(progress)
    waited, pause = 0.0, pace.first_pause_s
    try:
        while True:
            try:
                state = job.state()
                told.tell(state, job.new_lines(), to_the_end=False)
            except (ClientError, ConnectionError, HTTPClientError) as error:
                _require_passing(job, error, again)
                if waited >= pace.patience_s:
                    raise JobLost(
                        f"{job.name}: nobody answered for {waited:.0f} s; the job itself goes on.",
                        why=str(error),
                        fix=f"When the network is back, run: {again}",
                    ) from None
                progress(f"no answer ({type(error).__name__}); asking again in {pause:.0f} s")
                pace.sleep(pause)
                waited, pause = waited + pause, min(2 * pause, pace.longest_pause_s)
                continue
            waited, pause = 0.0, pace.first_pause_s
            pace.sleep(pace.poll_s)
            if state.ended:
                # CloudWatch has the last lines some seconds after they were written.
                lines: list[str] = []
                with suppress(ClientError, ConnectionError, HTTPClientError):
                    lines = job.new_lines()
                told.tell(state, lines, to_the_end=True)
                return Ended(state, told.tail)
    except KeyboardInterrupt:
        raise JobGoesOn(
            f"Stopped following; the job {job.name} goes on.",
            fix=f"To follow it again: {again}\nTo stop it: {stop}",
        ) from None


def follow_on(place: Place, model: str, job: Job, progress: Progress) -> Ended:
    """Tell all that happens to a job of a model until it ends, at its stage's pace.

    Raises:
        JobGoesOn, JobLost, AwsUnreachable: as `follow` does; they name the commands that find the job again.
    """
    verb = f"slipway jobs {place.option(model)}"
    try:
        return follow(
            job,
            progress,
            pace=Pace(poll_s=place.poll_s, patience_s=place.patience_s),
            again=f"{verb} --attach {job.name}",
            stop=f"{verb} --stop {job.name}",
        )
    except JobLost as lost:
        if place.stage != "local":
            raise
        fix = f"{lost.fix}\nIf the embedded AWS has ended, its jobs ended with it: start the job again."
        raise JobLost(lost.what, why=lost.why, fix=fix) from None


def _require_passing(job: Job, error: Exception, again: str) -> None:
    if isinstance(error, ClientError) and error.response["Error"]["Code"] not in _PASSING:
        raise AwsUnreachable(
            f"{job.name} cannot be followed; the job itself goes on.",
            why=str(error),
            fix=f"Mend your credentials or rights, then run: {again}",
        ) from None


class _Told:
    """What has been told already."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._steps = 0
        self._metrics: Mapping[str, float] = {}
        self.tail: deque[str] = deque(maxlen=LOG_LINES_SHOWN)

    def tell(self, state: State, lines: Sequence[str], *, to_the_end: bool) -> None:
        """Tell what is new; how a job ended comes behind its last lines, and these come late."""
        steps = state.steps[:-1] if state.ended else state.steps
        self._tell_steps(steps)
        for line in lines:
            self.tail.append(line)
            self._progress(line)
        if state.ended and not to_the_end:
            return
        self._tell_steps(state.steps)
        if state.metrics != self._metrics:
            self._metrics = dict(state.metrics)
            self._progress("  ".join(f"{name} {value:g}" for name, value in sorted(self._metrics.items())))

    def _tell_steps(self, steps: Sequence[str]) -> None:
        for step in steps[self._steps :]:
            self._progress(step)
        self._steps = max(self._steps, len(steps))
