"""A KMS key for data at rest."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import Construct

# What KMS allows at the least and recommends, in days: a deleted key takes all that it encrypted with it.
_DISPOSABLE_WINDOW_DAYS, _SAFE_WINDOW_DAYS = 7, 30


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyProps:
    """What an EncryptionKey needs to know."""

    retain: bool
    """Keep the key when the stack is destroyed."""


class EncryptionKey(Construct):
    """A symmetric key that is rotated every year; IAM policies of this account decide who uses it."""

    def __init__(self, scope: Construct, construct_id: str, *, props: EncryptionKeyProps) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Default",
            description="Slipway: data at rest",
            enable_key_rotation=True,
            pending_window=cdk.Duration.days(_SAFE_WINDOW_DAYS if props.retain else _DISPOSABLE_WINDOW_DAYS),
            removal_policy=cdk.RemovalPolicy.RETAIN if props.retain else cdk.RemovalPolicy.DESTROY,
        )
