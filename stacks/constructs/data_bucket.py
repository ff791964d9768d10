"""The bucket for data and results, and where asked for the bucket of its access logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.constructs.bucket_emptier import BucketEmptier, BucketEmptierProps

_NONCURRENT_EXPIRY_DAYS = 90
_INCOMPLETE_UPLOAD_DAYS = 7
_TLS_VERSION = 1.2


class _Removal(TypedDict):
    removal_policy: cdk.RemovalPolicy
    auto_delete_objects: bool


@dataclass(frozen=True, kw_only=True)
class DataBucketProps:
    """What a DataBucket needs to know."""

    retain: bool
    """Keep the buckets and what is in them when the stack is destroyed; else empty and delete them."""
    key: kms.IKey | None
    """Encrypt with this key; None is S3's own."""
    access_logs: bool
    """Log every request into a second bucket, which takes the logs of load balancers, too."""
    log_retention_days: int
    """How long access logs, and those of the function that empties the buckets, are kept."""


class DataBucket(Construct):
    """A private, versioned bucket that answers over TLS only."""

    def __init__(self, scope: Construct, construct_id: str, *, props: DataBucketProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        self.access_logs = self._access_logs() if props.access_logs else None
        self.bucket = s3.Bucket(
            self,
            "Default",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=_TLS_VERSION,
            versioned=True,
            encryption=s3.BucketEncryption.KMS if props.key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=props.key,
            # One request to KMS a bucket and hour, and not one an object.
            bucket_key_enabled=True if props.key else None,
            server_access_logs_bucket=self.access_logs,
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=cdk.Duration.days(_NONCURRENT_EXPIRY_DAYS),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(_INCOMPLETE_UPLOAD_DAYS),
                    expired_object_delete_marker=True,
                )
            ],
            **self._removal(),
        )
        for bucket in (self.bucket, self.access_logs):
            if bucket and bucket.policy:
                # A bucket that stays keeps refusing plain HTTP.
                bucket.policy.apply_removal_policy(self._removal()["removal_policy"])
        if not props.retain:
            BucketEmptier(
                self, "Emptier", props=BucketEmptierProps(log_retention_days=props.log_retention_days)
            )

    def _access_logs(self) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=_TLS_VERSION,
            # S3's log delivery writes with S3's own keys; a key of ours would have to admit the service.
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=cdk.Duration.days(self._props.log_retention_days),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(_INCOMPLETE_UPLOAD_DAYS),
                )
            ],
            **self._removal(),
        )
        # Load balancers log here, too. They write below their own account's number, so the resource says
        # whose: "Enable access logs for your Application Load Balancer" in the guide of Elastic Load
        # Balancing, which has no condition either.
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"AWSLogs/{cdk.Stack.of(self).account}/*")],
            )
        )
        return bucket

    def _removal(self) -> _Removal:
        if self._props.retain:
            return {"removal_policy": cdk.RemovalPolicy.RETAIN, "auto_delete_objects": False}
        return {"removal_policy": cdk.RemovalPolicy.DESTROY, "auto_delete_objects": True}
