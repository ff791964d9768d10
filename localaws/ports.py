"""What the services here need from the emulator around them, and nothing more.

The emulator implements these; tests implement them with a few lines. No service imports the emulator itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Scope:
    """Where a request acts: a twelve-digit account and a region."""

    account: str
    region: str


@dataclass(frozen=True)
class Credentials:
    """The keys of one role session, and when they end (seconds since 1970)."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: float


class AccessDeniedError(Exception):
    """A role, or the right that it would need, is missing."""


class NotFoundError(Exception):
    """The bucket, key or log group does not exist."""


class RoleSessions(Protocol):
    """STS as AWS services use it: assume a role in a service's own name."""

    def assume(self, role_arn: str, *, service: str, source_arn: str, scope: Scope) -> Credentials:
        """Return session credentials. Raises AccessDeniedError where the role or its trust policy says no.

        `service` is a principal such as "sagemaker.amazonaws.com"; `source_arn` is the resource acted for.
        """


@dataclass(frozen=True)
class StoredObject:
    """One object of a bucket: its key and its size in bytes."""

    key: str
    size: int


class ObjectStore(Protocol):
    """S3, as somebody's credentials may use it."""

    def check(self, bucket: str, key: str, credentials: Credentials) -> None:
        """Raises AccessDeniedError or NotFoundError where the object cannot be read."""

    def download(self, bucket: str, key: str, target: Path, credentials: Credentials) -> None:
        """Write the object's bytes to `target`. Raises as `check` does."""

    def list(self, bucket: str, prefix: str, credentials: Credentials) -> Sequence[StoredObject]:
        """Return the objects under a prefix, ordered by their keys. Raises as `check` does."""

    def upload(
        self, bucket: str, key: str, source: Path, credentials: Credentials, *, kms_key: str | None = None
    ) -> None:
        """Store a file, encrypted with a KMS key where one is given. Raises as `check` does."""


class ImageSource(Protocol):
    """ECR, read under somebody's credentials."""

    def manifest(self, registry: Scope, repository: str, reference: str, credentials: Credentials) -> bytes:
        """Return an image's manifest. Raises AccessDeniedError or NotFoundError."""

    def token(self, registry: Scope, credentials: Credentials) -> str:
        """Return a password for the registry itself. Raises AccessDeniedError."""


class LogSink(Protocol):
    """CloudWatch Logs, written under somebody's credentials."""

    def write(
        self, group: str, stream: str, lines: Sequence[tuple[int, str]], credentials: Credentials
    ) -> None:
        """Append (milliseconds since 1970, text) pairs. Raises AccessDeniedError."""


@dataclass(frozen=True)
class Metric:
    """One observation, as CloudWatch takes it."""

    name: str
    value: float
    unit: str
    dimensions: tuple[tuple[str, str], ...]


class MetricSink(Protocol):
    """CloudWatch metrics of AWS's own namespaces."""

    def record(self, namespace: str, metrics: Sequence[Metric], scope: Scope) -> None:
        """Store the observations."""

    def evaluate_alarms(self, scope: Scope) -> None:
        """Bring every alarm up to date with what is stored."""


@dataclass(frozen=True)
class Ports:
    """All of the above, as one argument."""

    roles: RoleSessions
    objects: ObjectStore
    logs: LogSink
    metrics: MetricSink
