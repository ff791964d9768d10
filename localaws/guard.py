"""Runs one command and ends it, and all it started, when the server goes away. Standard library only.

`guard.py CLEANUP COMMAND…`: CLEANUP is a command as a JSON list, empty for none, that removes what the
command leaves to others, such as a container that lives under its engine.

The server holds the other end of this process's standard input. Whatever ends the server, kill -9 included,
closes it; that works on every POSIX system and for every command, a model server of ours or somebody's own
image.
"""

import json
import os
import signal
import subprocess
import sys
import threading


def _end_with_server() -> None:
    sys.stdin.buffer.read()
    if cleanup := json.loads(sys.argv[1]):
        nothing = subprocess.DEVNULL
        # In a session of its own: the next line ends all of this one.
        subprocess.Popen(cleanup, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Run the command line that follows, as this process group's only work, and exit with its code."""
    # The group gets SIGTERM as a whole; this process stays until the command has ended in its own way. A
    # handler, unlike SIG_IGN, does not outlive exec.
    signal.signal(signal.SIGTERM, lambda *_: None)
    command = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_server, daemon=True).start()
    code = command.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
