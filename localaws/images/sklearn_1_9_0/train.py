"""The training entry point of AWS's prebuilt scikit-learn image, for a process instead of a container.

The image hands all of it to sagemaker-training: fetch the code, install its requirements, run the script with
the hyperparameters as arguments, report. So does this. Three things differ. The hosts of a job are all here,
so their names resolve to 127.0.0.1. SIGTERM reaches the script, which can save what it has: in a container
the toolkit, as process 1, keeps it to itself. And a failure tells the script's last lines, where the image
leaves its ErrorMessage empty. Runs in the image's environment alone.
"""

import os
import signal
import socket
import sys
import threading
from collections import deque
from types import ModuleType
from typing import Any

# The toolkit's compiled helper renames hosts for MPI. It was installed without a compiler, and training
# without MPI only imports it.
sys.modules["gethostname"] = ModuleType("gethostname")

from sagemaker_training import entry_point, environment, errors, runner, trainer  # noqa: E402

_MODULE = "sagemaker_sklearn_container.training"  # what the toolkit imports in the image
_TAIL_LINES = 20
_TAIL_CHARACTERS = 600  # of the 1024 that a FailureReason has, with the command after it
_DRAIN_S = 2.0
_OUT_OF_MEMORY = "OutOfMemory: Process killed by SIGKILL (signal 9)"  # the toolkit's words for exit code 137


class _ErrorStream:
    """Stands between the script's standard error and this process's, and keeps the last lines."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_TAIL_LINES)
        self._own = os.dup(2)
        # The toolkit's own log goes past the pipe: the last lines are the script's.
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
        reading, writing = os.pipe()
        os.dup2(writing, 2)
        os.close(writing)
        self._thread = threading.Thread(target=self._pass_on, args=(reading,), daemon=True)
        self._thread.start()

    def tail(self) -> str:
        """Return the last lines, once all that was written has passed."""
        os.dup2(self._own, 2)  # closes the pipe's last end here
        self._thread.join(_DRAIN_S)  # what the script left running may hold another
        text = "".join(self._lines).strip()
        return text if len(text) <= _TAIL_CHARACTERS else text[-_TAIL_CHARACTERS:].partition("\n")[2]

    def _pass_on(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as stream:
            for line in stream:
                os.write(self._own, line)
                self._lines.append(line.decode(errors="replace"))


def main() -> None:
    """Run the script as the image's own entry point does. Raises the toolkit's error for one that fails."""
    env = environment.Environment()
    _resolve(env.hosts)
    try:
        entry_point.run(
            uri=env.module_dir,
            user_entry_point=env.user_entry_point,
            args=env.to_cmd_args(),
            env_vars=env.to_env_vars(),
            runner_type=runner.ProcessRunnerType,
        )
    except errors.ExecuteUserScriptError as error:
        error.output = _stream.tail()
        if error.return_code == str(-signal.SIGKILL):
            error.return_code, error.extra_info = "137", _OUT_OF_MEMORY
        raise


def _resolve(hosts: list[str]) -> None:
    """Let the names of this job's hosts mean this machine."""
    original = socket.gethostbyname

    def gethostbyname(name: Any) -> str:
        return "127.0.0.1" if name in hosts else original(name)

    socket.gethostbyname = gethostbyname


if __name__ == "__main__":
    del sys.path[0]  # this file's folder, which the toolkit would hand on to the script
    _stream = _ErrorStream()  # before the toolkit's log is set up
    # A handler, unlike SIG_IGN, does not outlive exec: the script dies of SIGTERM, or does what it wants.
    signal.signal(signal.SIGTERM, lambda *_: None)
    sys.modules[_MODULE] = sys.modules["__main__"]
    os.environ["SAGEMAKER_TRAINING_MODULE"] = f"{_MODULE}:main"
    trainer.train()
