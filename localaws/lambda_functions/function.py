"""What a function's execution environments are made from."""

from dataclasses import dataclass, field

from localaws.ports import Scope


@dataclass(frozen=True)
class Archive:
    """A zip file; two with the same hash (base64, as Lambda shows it) are the same."""

    sha256: str
    content: bytes = field(compare=False, repr=False)


@dataclass(frozen=True)
class Image:
    """A container image in ECR, and what ImageConfig puts in place of its own settings."""

    uri: str
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_directory: str = ""


@dataclass(frozen=True)
class Logging:
    """Where a function logs to, and how: `form` is "Text" or "JSON"."""

    group: str
    form: str = "Text"
    level: str = ""


@dataclass(frozen=True)
class Function:
    """One version of a function; `version` is its number or "$LATEST". Exactly one of code and image is set.

    Execution environments of two equal ones can take each other's events.
    """

    scope: Scope
    name: str
    version: str
    role_arn: str
    memory_mb: int
    timeout_s: int
    variables: tuple[tuple[str, str], ...]
    logging: Logging
    handler: str = ""
    runtime: str = ""
    code: Archive | None = None
    layers: tuple[Archive, ...] = ()
    image: Image | None = None
    snap_start: bool = False
    architecture: str = "x86_64"

    @property
    def arn(self) -> str:
        """Return the function's ARN, without a version."""
        return f"arn:aws:lambda:{self.scope.region}:{self.scope.account}:function:{self.name}"


@dataclass(frozen=True)
class Invocation:
    """One event: the request's id, the ARN that was asked for, and the event as JSON."""

    request_id: str
    arn: str
    event: bytes
    trace_id: str = ""


@dataclass(frozen=True)
class Outcome:
    """What an invocation came to: `payload` as the function gave it, or the error as AWS words it.

    `log` is what Lambda and the function wrote about it.
    """

    payload: bytes
    failed: bool = False
    log: tuple[str, ...] = ()
