"""Runs one command and ends it, and all it started, when the server goes away. Standard library only.

The server holds the other end of this process's standard input. Whatever ends the server, kill -9 included,
closes it; that works on every POSIX system and for every command, a model server of ours or somebody's own
image.
"""

import os
import signal
import subprocess
import sys
import threading


def _end_with_server() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Run the command line that follows, as this process group's only work, and exit with its code."""
    # The group gets SIGTERM as a whole; this process stays until the command has ended in its own way. A
    # handler, unlike SIG_IGN, does not outlive exec.
    signal.signal(signal.SIGTERM, lambda *_: None)
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_server, daemon=True).start()
    code = command.wait()
    os._exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
