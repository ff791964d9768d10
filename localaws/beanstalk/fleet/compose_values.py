"""The forms that values of a compose file have: lists, pairs, ports, mounts, command lines."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from localaws.beanstalk.fleet.service import BadServiceError, Mount

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_PORT = re.compile(r"(?:(?P<published>\d+):)?(?P<target>\d+)(?:/tcp)?")


def texts(given: Any, what: str) -> tuple[str, ...]:
    """Return a list of texts, also of one text."""
    entries = [given] if isinstance(given, str) else given
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise BadServiceError(f"{what} must be a text or a list of texts, and is {given!r}")
    return tuple(entries)


def words(given: Any) -> tuple[str, ...]:
    """Return a command line: a list as it is, a text split as a shell would."""
    try:
        return tuple(shlex.split(given)) if isinstance(given, str) else texts(given, "a command")
    except ValueError as error:
        raise BadServiceError(f"the command {given!r} cannot be split: {error}") from error


def pairs(given: Any, what: str, known: Mapping[str, str]) -> dict[str, str]:
    """Return NAME: value of a mapping, or of a list of NAME=value; a name alone takes what is `known`."""
    if isinstance(given, Mapping):
        entries = [(str(name), value) for name, value in given.items()]
    else:
        split = (entry.partition("=") for entry in texts(given, what))
        entries = [(name, value if equals else None) for name, equals, value in split]
    found = {}
    for name, value in entries:
        if isinstance(value, (dict, list)):
            raise BadServiceError(f"{what}.{name} must be a text")
        if value is None and name not in known:
            continue
        text = known[name] if value is None else value
        found[name] = str(text).lower() if isinstance(text, bool) else str(text)
    return found


def variables_of(file: Path) -> dict[str, str]:
    """Return the lines NAME=value of a file; quotes around a value are not part of it."""
    found = {}
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadServiceError(f"{file.name} cannot be read: {error}") from error
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            found[name.strip()] = value[1:-1] if quoted else value
    return found


def seconds(text: str) -> float:
    """Return a duration such as 1m30s in seconds."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise BadServiceError(f"{text} is no duration such as 30s or 1m30s")
    hours, minutes, whole = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + whole


def is_platform_file(name: str) -> bool:
    """Whether a file is the .env that the platform writes."""
    return PurePosixPath(name) == PurePosixPath(".env")


def inside(folder: Path, name: str, what: str) -> Path:
    """Return a path of the bundle. Raises BadServiceError for one outside, or one that is missing."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadServiceError(f"{what}: {name} is outside the source bundle")
    if not path.exists():
        raise BadServiceError(f"{what}: {name} is not in the source bundle")
    return path


def mount(folder: Path, given: Any) -> Mount:
    """Return a bind mount out of the bundle, in the short or the long form."""
    if isinstance(given, dict):
        unknown = set(given) - {"type", "source", "target", "read_only"}
        if unknown or given.get("type") != "bind":
            raise BadServiceError(f"volumes: the embedded AWS knows bind mounts alone, and not {given}")
        source, target = str(given.get("source", "")), str(given.get("target", ""))
        read_only = given.get("read_only") is True
    else:
        source, _, rest = str(given).partition(":")
        target, _, mode = rest.partition(":")
        if mode not in ("", "ro", "rw", "z", "Z", "ro,z", "ro,Z"):
            raise BadServiceError(f"volumes: the embedded AWS does not know the mode {mode} of {given}")
        read_only = mode.startswith("ro")
    if not source.startswith((".", "/")) or not target.startswith("/"):
        raise BadServiceError(
            "volumes: the embedded AWS knows bind mounts out of the bundle, such as "
            f"./model:/opt/ml/model:ro, and not {given}"
        )
    return Mount(inside(folder, source, "volumes"), target, read_only)


def container_port(given: Any, process_port: int) -> int:
    """Return the container's port behind `process_port` of the instance."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise BadServiceError("ports must be a list")
    published = dict(_port(entry) for entry in given)
    if process_port not in published:
        raise BadServiceError(
            f"no port of the service is published as {process_port}, which the load balancer asks; "
            f"ports are {list(given)}"
        )
    return published[process_port]


def _port(entry: Any) -> tuple[int | None, int]:
    if isinstance(entry, dict):
        if set(entry) - {"target", "published", "protocol", "mode"} or entry.get("protocol", "tcp") != "tcp":
            raise BadServiceError(f"ports: the embedded AWS does not know {entry}")
        entry = ":".join(str(entry[key]) for key in ("published", "target") if key in entry)
    match = _PORT.fullmatch(str(entry))
    if match is None:
        raise BadServiceError(f"ports: the embedded AWS knows HOST:CONTAINER, and not {entry}")
    return int(match["published"]) if match["published"] else None, int(match["target"])
