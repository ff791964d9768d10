"""What Elastic Beanstalk asks of the account around it, in its own name: S3, IAM and ACM."""

from typing import Protocol

from localaws.ports import Scope


class Account(Protocol):
    """The other services of an account."""

    def bundle_size(self, scope: Scope, bucket: str, key: str) -> int:
        """Return an object's size in bytes. Raises NotFoundError or AccessDeniedError."""

    def has_bucket(self, scope: Scope, bucket: str) -> bool:
        """Whether there is a bucket."""

    def make_bucket(self, scope: Scope, bucket: str) -> None:
        """Make a bucket that is private and encrypted; one that is there is fine."""

    def copy(self, scope: Scope, source: tuple[str, str], target: tuple[str, str]) -> None:
        """Copy an object from one (bucket, key) to another. Raises NotFoundError."""

    def put(self, scope: Scope, bucket: str, key: str, body: bytes) -> None:
        """Store an object."""

    def link(self, scope: Scope, bucket: str, key: str) -> str:
        """Return a URL that anybody can read an object by, for a while."""

    def delete(self, scope: Scope, bucket: str, key: str) -> None:
        """Delete an object; one that is gone is fine."""

    def role_of_profile(self, scope: Scope, profile: str) -> str | None:
        """Return the role's ARN of an instance profile by its name or ARN; "" for one without a role."""

    def role_arn(self, scope: Scope, name: str) -> str | None:
        """Return a role's ARN by its name or ARN; None where there is none."""

    def has_certificate(self, scope: Scope, arn: str) -> bool:
        """Whether ACM has a certificate in this region."""
