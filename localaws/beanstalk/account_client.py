"""Account over HTTP, as the account itself: Elastic Beanstalk acts with rights of its own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError

from localaws.clients import Loopback
from localaws.ports import AccessDeniedError, Credentials, NotFoundError, Scope

_LINK_S = 15 * 60  # as AWS's links to logs


class HttpAccount:
    """An Account that asks this server."""

    def __init__(self, loopback: Loopback) -> None:
        self._loopback = loopback

    def bundle_size(self, scope: Scope, bucket: str, key: str) -> int:
        """Ask for the object's head."""
        with _translated():
            return int(self._client(scope, "s3").head_object(Bucket=bucket, Key=key)["ContentLength"])

    def has_bucket(self, scope: Scope, bucket: str) -> bool:
        """Ask for the bucket's head."""
        try:
            self._client(scope, "s3").head_bucket(Bucket=bucket)
        except ClientError:
            return False
        return True

    def make_bucket(self, scope: Scope, bucket: str) -> None:
        """Make it, encrypted and closed to the public, with AWS's own refusal of its deletion."""
        if self.has_bucket(scope, bucket):
            return
        s3 = self._client(scope, "s3")
        place = {} if scope.region == "us-east-1" else {"LocationConstraint": scope.region}
        s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": place} if place else {}))
        names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(names, True))
        statement = {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:DeleteBucket",
            "Resource": f"arn:aws:s3:::{bucket}",
        }
        s3.put_bucket_policy(
            Bucket=bucket, Policy=json.dumps({"Version": "2008-10-17", "Statement": [statement]})
        )

    def copy(self, scope: Scope, source: tuple[str, str], target: tuple[str, str]) -> None:
        """Copy inside S3."""
        with _translated():
            self._client(scope, "s3").copy_object(
                Bucket=target[0], Key=target[1], CopySource={"Bucket": source[0], "Key": source[1]}
            )

    def put(self, scope: Scope, bucket: str, key: str, body: bytes) -> None:
        """Send it in one request."""
        self._client(scope, "s3").put_object(Bucket=bucket, Key=key, Body=body)

    def link(self, scope: Scope, bucket: str, key: str) -> str:
        """Sign a link."""
        link = self._client(scope, "s3").generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_LINK_S
        )
        return str(link)

    def delete(self, scope: Scope, bucket: str, key: str) -> None:
        """Delete it."""
        with suppress(ClientError):
            self._client(scope, "s3").delete_object(Bucket=bucket, Key=key)

    def role_of_profile(self, scope: Scope, profile: str) -> str | None:
        """Ask IAM for the profile."""
        try:
            found = self._client(scope, "iam").get_instance_profile(
                InstanceProfileName=profile.rpartition("/")[2]
            )["InstanceProfile"]
        except ClientError:
            return None
        return str(found["Roles"][0]["Arn"]) if found["Roles"] else ""

    def role_arn(self, scope: Scope, name: str) -> str | None:
        """Ask IAM for the role."""
        try:
            return str(self._client(scope, "iam").get_role(RoleName=name.rpartition("/")[2])["Role"]["Arn"])
        except ClientError:
            return None

    def has_certificate(self, scope: Scope, arn: str) -> bool:
        """Ask ACM for the certificate."""
        try:
            self._client(scope, "acm").describe_certificate(CertificateArn=arn)
        except ClientError:
            return False
        return True

    def _client(self, scope: Scope, service: str) -> Any:
        # Of an account's own keys no signature is checked: they are its number.
        root = Credentials(scope.account, "local", "", float("inf"))
        return self._loopback.client(service, root, scope.region)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            raise NotFoundError(str(error)) from error
        raise AccessDeniedError(str(error)) from error
