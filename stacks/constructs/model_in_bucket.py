"""A model in the stage's bucket, and the pointer by which a function takes it without a deploy of code."""

from __future__ import annotations

import json
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.deploy_function import DeployFunction, DeployFunctionProps
from stacks.rights import Statement, allow
from stacks.shared_parameters import SharedParameters
from stacks.storage import current_pointer_key, model_archive_key, models_prefix, pointer_key
from training.artifact import Artifact, sha256


@dataclass(frozen=True, kw_only=True)
class ModelInBucketProps:
    """What a ModelInBucket needs to know."""

    artifact: Artifact
    shared: SharedParameters
    retain: bool
    """Keep the models when the stack is destroyed; else delete all under the model's prefix."""
    log_retention_days: int


class ModelInBucket(Construct):
    """The archive under its version's key, and after a check the pointer that names it.

    A stack that is rolled back writes the old pointer again. Versions stay, for `slipway rollback`.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: ModelInBucketProps) -> None:
        super().__init__(scope, construct_id)
        stack, artifact = cdk.Stack.of(self), props.artifact
        name, version = artifact.model, artifact.version
        self._name, self._version = name, version
        self.pointer = {
            "version": version,
            "archive": model_archive_key(name, version),
            "archive_sha256": sha256(artifact.archive.read_bytes()),
            "manifest_sha256": artifact.manifest_sha256,
        }
        asset = s3_assets.Asset(self, "Artifact", path=str(artifact.archive))
        self._where = {"Bucket": props.shared.bucket_name, "Owner": stack.account}
        self._storer = DeployFunction(
            self,
            "Storer",
            props=DeployFunctionProps(
                file="store_model.py",
                description=f"Puts versions of the model {name} into the bucket",
                rights={"Store": _rights(stack, asset, props)},
                log_retention_days=props.log_retention_days,
            ),
        )
        self.archive = self._storer.run(
            "Archive",
            "ModelArchive",
            {
                **self._where,
                "SourceBucket": asset.s3_bucket_name,
                "SourceKey": asset.s3_object_key,
                "Key": self.pointer["archive"],
                # Removed last, also after a failed first deploy, so the emptying is its part.
                **({} if props.retain else {"EmptiedPrefix": models_prefix(name)}),
            },
        )

    def put_in_force(self, check: cdk.CfnResource) -> cdk.CfnResource:
        """Have the pointer written once a check has passed."""
        return self._storer.run(
            "Pointer",
            "ModelPointer",
            {
                **self._where,
                "Pointer": json.dumps(self.pointer, sort_keys=True),
                "Keys": [pointer_key(self._name, self._version), current_pointer_key(self._name)],
            },
            after=[check],
        )


def _rights(stack: cdk.Stack, asset: s3_assets.Asset, props: ModelInBucketProps) -> list[Statement]:
    bucket = f"arn:{stack.partition}:s3:::{props.shared.bucket_name}"
    prefix = models_prefix(props.artifact.model)
    rights = [
        allow(["s3:GetObject"], [asset.bucket.arn_for_objects(asset.s3_object_key)]),
        allow(["s3:PutObject"], [f"{bucket}/{prefix}*"]),
    ]
    if not props.retain:
        rights += [
            allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], [f"{bucket}/{prefix}*"]),
            allow(["s3:ListBucketVersions"], [bucket], {"StringLike": {"s3:prefix": f"{prefix}*"}}),
        ]
    if props.shared.key_arn:
        # To write with the bucket's key; a copy is read again in parts where it is large.
        rights.append(allow(["kms:Decrypt", "kms:GenerateDataKey"], [props.shared.key_arn]))
    return rights
