"""The process of one execution environment: started, listened to, looked at, ended."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from localaws.images.prebuilt import Launch
from localaws.sagemaker.archive import make_removable

_GUARD = Path(__file__).resolve().parents[1] / "guard.py"
_CLEANUP_S = 30.0
_BLOCK = 1 << 16
_SIGNALS = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted",
            signal.SIGTERM: "terminated"}  # fmt: skip


class Sandbox:
    """A command in a process group of its own, in a folder of its own, ended together with this server."""

    def __init__(self, folder: Path, on_line: Callable[[str], None], on_end: Callable[[], None]) -> None:
        self.folder = folder
        self._on_line = on_line
        self._on_end = on_end
        self._process: subprocess.Popen[bytes] | None = None
        self._launch: Launch | None = None
        self._reading = threading.Lock()
        self._rest = b""
        self._open = False

    @property
    def group(self) -> int | None:
        """The process group while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, launch: Launch, working_directory: Path) -> None:
        """Start the command."""
        self._launch = launch
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", _GUARD, json.dumps(launch.cleanup), *launch.arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(launch.environment), cwd=working_directory, start_new_session=True,
        )  # fmt: skip
        self._open = True
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._wait, args=(self._process,), daemon=True).start()

    def drain(self, patience_s: float = 0) -> None:
        """Take over what the process has printed until now.

        `patience_s` is for what stands between it and this pipe, as an engine does.
        """
        with self._reading:
            while self._open and self._readable(patience_s):
                self._take()

    def reason(self) -> str:
        """Return how the process ended, as Lambda says it."""
        code = self._process.wait() if self._process else 0
        if code == 0:
            return "Runtime exited without providing a reason"
        number = -code if code < 0 else code - 128
        if number in _SIGNALS:
            return f"Runtime exited with error: signal: {_SIGNALS[signal.Signals(number)]}"
        return f"Runtime exited with error: exit status {code}"

    def kill(self) -> None:
        """End the whole group at once."""
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def remove(self) -> None:
        """End the process, clean up what it left to others, and remove its folder."""
        self.kill()
        self.drain()
        launch, self._launch = self._launch, None
        if launch:
            if launch.cleanup:
                with suppress(OSError, subprocess.SubprocessError):
                    subprocess.run(
                        launch.cleanup, env=dict(launch.environment), stdin=subprocess.DEVNULL,
                        capture_output=True, timeout=_CLEANUP_S, check=False,
                    )  # fmt: skip
            launch.release()
        if self._process and self._process.stdin:
            self._process.stdin.close()
        make_removable(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self._on_end()

    def _read(self) -> None:
        while self._open:
            if self._readable(0.5):
                with self._reading:
                    if self._open and self._readable(0):
                        self._take()

    def _readable(self, timeout_s: float) -> bool:
        stream = self._process.stdout if self._process else None
        try:
            poll = select.poll()
            if stream:
                poll.register(stream, select.POLLIN)
            return bool(poll.poll(timeout_s * 1000))
        except ValueError:  # closed meanwhile
            return False

    def _take(self) -> None:
        stream = self._process.stdout if self._process else None
        if stream is None:
            return
        block = os.read(stream.fileno(), _BLOCK)
        if not block:
            self._open = False
            stream.close()
        *lines, self._rest = (self._rest + block).split(b"\n")
        if not block and self._rest:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._on_line(self._shown(line.decode(errors="replace")))

    def _shown(self, text: str) -> str:
        for path, name in (self._launch.shown if self._launch else {}).items():
            text = text.replace(path, name)
        return text
