"""Reads a docker-compose.yml with one service. A key that changes what runs and is not known is refused.

Source: the Compose specification; and "Using the Docker platform branch" of the Beanstalk developer guide for
what the platform adds: environment properties fill ${VARIABLES} and the file .env, which a service names in
env_file to see them.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from localaws.beanstalk.fleet import compose_values as values
from localaws.beanstalk.fleet.interpolation import interpolated
from localaws.beanstalk.fleet.service import BadServiceError, Build, Mount, Service

NAMES = ("docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml")
_MAX_BYTES = 1 << 20
_TOP = {"version", "name", "services"}
# These change nothing in what runs: names, and what Docker itself tells people.
_WITHOUT_EFFECT = {"container_name", "hostname", "labels", "healthcheck", "platform", "pull_policy", "expose",
                   "logging", "stdin_open", "tty"}  # fmt: skip
_RESTARTS = ("no", "always", "unless-stopped", "on-failure")


def read(file: Path, properties: Mapping[str, str], process_port: int) -> Service:
    """Return the file's one service. Raises BadServiceError."""
    parsed = _parsed(file)
    _known(file.name, parsed, _TOP)
    services = parsed.get("services")
    if not isinstance(services, dict) or not services:
        raise BadServiceError(f"{file.name}: there are no services")
    if len(services) > 1:
        raise BadServiceError(
            f"{file.name}: the embedded AWS runs one service, and there are {len(services)}: "
            f"{', '.join(map(str, services))}"
        )
    name, described = next(iter(services.items()))
    if not isinstance(described, dict):
        raise BadServiceError(f"{file.name}: services.{name} must be a mapping")
    where = f"{file.name}: services.{name}"
    _known(where, described, {*_READERS, *_WITHOUT_EFFECT, "env_file", "environment", "ports"})
    interpolation = _with_own_file(file.parent, properties)
    described = interpolated(described, interpolation)
    found = {key: reader(file.parent, described[key]) for key, reader in _READERS.items() if key in described}
    fields: dict[str, Any] = {_FIELDS.get(key, key): value for key, value in found.items()}
    port = values.container_port(described.get("ports") or [], process_port)
    environment = _environment(file.parent, described, properties)
    service = Service(
        **{"image": None, "build": None, **fields}, port=port, environment=environment, name=str(name)
    )
    if not service.image and service.build is None:
        raise BadServiceError(f"{where} has neither an image nor a build context specified")
    return service


def _parsed(file: Path) -> dict[str, Any]:
    if file.stat().st_size > _MAX_BYTES:
        raise BadServiceError(f"{file.name} is larger than {_MAX_BYTES >> 20} MB")
    try:
        parsed = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadServiceError(f"{file.name} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(parsed, dict):
        raise BadServiceError(f"{file.name} must be a mapping with the key services")
    return parsed


def _known(where: str, mapping: Mapping[Any, Any], keys: set[str]) -> None:
    for key in mapping:
        if key not in keys and not str(key).startswith("x-"):
            raise BadServiceError(f"{where}: the embedded AWS does not know the key {key}")


def _environment(folder: Path, described: Mapping[str, Any], properties: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in values.texts(described.get("env_file") or [], "env_file"):
        if values.is_platform_file(name):
            found |= _with_own_file(folder, properties)
        else:
            found |= values.variables_of(values.inside(folder, name, "env_file"))
    return found | values.pairs(described.get("environment") or {}, "environment", properties)


def _with_own_file(folder: Path, properties: Mapping[str, str]) -> dict[str, str]:
    """Return what .env says: the environment properties, which the platform adds to the bundle's own."""
    own = folder / ".env"
    return {**(values.variables_of(own) if own.is_file() else {}), **properties}


def _build(folder: Path, given: Any) -> Build:
    described = {"context": given} if isinstance(given, str) else given
    if not isinstance(described, dict):
        raise BadServiceError("build must be a folder or a mapping")
    _known("build", described, {"context", "dockerfile", "args", "target"})
    context = values.inside(folder, str(described.get("context", ".")), "build")
    return Build(
        context,
        str(described.get("dockerfile", "Dockerfile")),
        values.pairs(described.get("args") or {}, "build.args", {}),
        str(described.get("target", "")),
    )


def _restart(_folder: Path, given: Any) -> str:
    policy = "no" if given is False else str(given)
    if policy.partition(":")[0] not in _RESTARTS:
        raise BadServiceError(f"restart: {policy} is not one of {', '.join(_RESTARTS)}")
    return policy.partition(":")[0]


def _mounts(folder: Path, given: Any) -> tuple[Mount, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise BadServiceError("volumes must be a list")
    return tuple(values.mount(folder, entry) for entry in given)


def _text(_folder: Path, given: Any) -> str:
    return str(given)


def _flag(_folder: Path, given: Any) -> bool:
    if not isinstance(given, bool):
        raise BadServiceError(f"{given!r} must be true or false")
    return given


def _duration(_folder: Path, given: Any) -> float:
    return values.seconds(str(given))


def _list(_folder: Path, given: Any) -> tuple[str, ...]:
    return values.texts(given, "a list of the service")


def _words(_folder: Path, given: Any) -> tuple[str, ...]:
    return values.words(given)


_READERS: dict[str, Callable[[Path, Any], Any]] = {
    "image": _text,
    "build": _build,
    "volumes": _mounts,
    "command": _words,
    "entrypoint": _words,
    "restart": _restart,
    "user": _text,
    "working_dir": _text,
    "read_only": _flag,
    "init": _flag,
    "stop_grace_period": _duration,
    "tmpfs": _list,
    "cap_drop": _list,
    "cap_add": _list,
    "security_opt": _list,
}
_FIELDS = {"stop_grace_period": "grace_s", "volumes": "mounts", "working_dir": "working_directory"}
