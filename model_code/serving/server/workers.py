"""Worker processes: forked from one parent, replaced when they die, ended together.

Forked, because the libraries are then loaded once, and a worker is there in milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

from ..doors.log import say

_AWAITED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGALRM}
# A worker that dies younger than this is started again later and later.
_YOUNG_S = 1.0
_LONGEST_PAUSE_S = 5.0
_PR_SET_PDEATHSIG = 1
# SageMaker sends SIGKILL 30 s after SIGTERM.
_KILL_AFTER_S = 28

Work = Callable[[int, socket.socket], None]


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        OSError: the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(2048)
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


def supervise(count: int, work: Work, listener: socket.socket) -> None:
    """Run workers until SIGTERM, and return when the last of them has ended.

    Args:
        count: how many.
        work: what a worker does, given its number and the socket; it ends at SIGTERM by itself.
        listener: the socket that all share.
    """
    # Read from a pipe, whichever thread of a library a signal is delivered to: one that comes while the main
    # thread is not waiting for it would be lost to `sigwait`, and a dead worker never replaced.
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for awaited in _AWAITED:
        signal.signal(awaited, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    workers: dict[int, tuple[int, float]] = {}
    pause_s = 0.0

    def start(number: int) -> None:
        parent = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)  # until the worker has its own handlers
        process = os.fork()
        if process == 0:
            signal.set_wakeup_fd(-1)
            os.close(reader)
            os.close(writer)
            # It waits itself, so that the parent always listens to signals.
            _work(number, work, listener, before, parent, pause_s)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        workers[process] = (number, time.monotonic() + pause_s)

    for number in range(count):
        start(number)
    stopping = False
    while workers:
        arrived = set(os.read(reader, 1024))
        if signal.SIGALRM in arrived:
            _signal_all(workers, signal.SIGKILL)
        if arrived & {signal.SIGTERM, signal.SIGINT}:
            if not stopping:
                signal.alarm(_KILL_AFTER_S)
            stopping = True
            _signal_all(workers, signal.SIGTERM)
        for ended, status in _ended():
            number, started = workers.pop(ended)
            if stopping:
                continue
            code = os.waitstatus_to_exitcode(status)
            say(f"worker {number} ended with code {code}; it is started again")
            young = time.monotonic() - started < _YOUNG_S
            pause_s = min(max(pause_s * 2, 0.1), _LONGEST_PAUSE_S) if young else 0.0
            start(number)


def _work(
    worker: int,
    work: Work,
    listener: socket.socket,
    mask: set[int | signal.Signals],
    parent: int,
    pause_s: float,
) -> None:
    """Be a worker, to the end of the process: nothing of the parent's may run in it."""
    code = 1
    try:
        for number in (signal.SIGCHLD, signal.SIGALRM, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _end_with(parent)
        time.sleep(pause_s)
        work(worker, listener)
        code = 0
    except BaseException:
        say(traceback.format_exc())
    finally:
        os._exit(code)


def _end_with(parent: int) -> None:
    """Have the kernel end this process when its parent is killed: the port would stay taken."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            raise SystemExit("the parent has ended")


def _ended() -> list[tuple[int, int]]:
    found = []
    with suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                break
            found.append((process, status))
    return found


def _signal_all(workers: dict[int, tuple[int, float]], number: signal.Signals) -> None:
    for process in workers:
        with suppress(ProcessLookupError):
            os.kill(process, number)
