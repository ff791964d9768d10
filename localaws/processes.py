"""The processes below this one."""

import os
import subprocess

from localaws.inventory import Process


def descendants() -> list[Process]:
    """Return all processes that this one started, and those that they started."""
    listing = subprocess.run(
        ["ps", "-ww", "-axo", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    children: dict[int, list[Process]] = {}
    for pid, parent, *command in rows:
        text = command[0] if command else ""
        if text and not text.startswith("ps -ww -axo") and "<defunct>" not in text:
            children.setdefault(int(parent), []).append(Process(int(pid), text))
    found: list[Process] = []
    waiting = [os.getpid()]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += [process.pid for process in below]
    return found
