"""What one instance logs: the container's output, and what the platform's engine does.

Paths are those of the Docker platform on Amazon Linux 2023; a log group is the environment's prefix and a
path, its streams are the instances' ids.
"""

import time
from collections import deque
from datetime import UTC, datetime

from localaws.ports import Credentials
from localaws.sagemaker.logs import LogShipper, LogStream

ENGINE = "/var/log/eb-engine.log"
OUTPUT = "/var/log/eb-docker/containers/eb-current-app/stdouterr.log"
FILES = (OUTPUT, ENGINE)
_TAIL_LINES = 100  # of each file in `eb logs`
_RULE = "-" * 40


class InstanceLog:
    """The two files of one instance, and their way to CloudWatch."""

    def __init__(self, shipper: LogShipper, instance_id: str) -> None:
        self._shipper = shipper
        self._instance_id = instance_id
        self._tails: dict[str, deque[str]] = {file: deque(maxlen=_TAIL_LINES) for file in FILES}
        self._streams: dict[str, LogStream] = {}

    def send(self, prefix: str | None, credentials: Credentials) -> None:
        """Send the lines to the groups of a prefix from now on; None sends them nowhere."""
        wanted = {file: f"{prefix}{file}" for file in FILES} if prefix else {}
        if {file: stream.group for file, stream in self._streams.items()} != wanted:
            self.close()
            self._streams = {file: LogStream(group, self._instance_id) for file, group in wanted.items()}
        for stream in self._streams.values():
            self._shipper.add(stream, credentials)

    def output(self, line: tuple[int, str]) -> None:
        """Add a line that the container printed: (milliseconds since 1970, text)."""
        self._add(OUTPUT, line)

    def engine(self, text: str, severity: str = "INFO") -> None:
        """Add a step of the platform's engine."""
        now = datetime.now(UTC).strftime("%Y/%m/%d %H:%M:%S.%f")
        self._add(ENGINE, (time.time_ns() // 1_000_000, f"{now} [{severity}] {text}"))

    def tail(self) -> str:
        """Return the last lines of both files, as `eb logs` shows them."""
        return "\n".join(
            "\n".join((_RULE, file, _RULE, *list(lines), "")) for file, lines in self._tails.items()
        )

    def close(self) -> None:
        """Send what is left."""
        for stream in self._streams.values():
            self._shipper.remove(stream)

    def _add(self, file: str, line: tuple[int, str]) -> None:
        self._tails[file].append(line[1])
        if stream := self._streams.get(file):
            stream.append(line)
