"""What all models of a stage share, and what must outlive them: `slipway-<stage>`."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from stacks.constructs.data_bucket import DataBucket, DataBucketProps
from stacks.constructs.encryption_key import EncryptionKey, EncryptionKeyProps
from stacks.constructs.image_publishing import ImagePublishing, ImagePublishingProps
from stacks.constructs.image_repository import ImageRepository, ImageRepositoryProps
from stacks.constructs.image_table import ImageTable
from stacks.constructs.published_outputs import PublishedOutputs, PublishedOutputsProps
from stacks.constructs.training_role import TrainingRole, TrainingRoleProps
from stacks.images import PREBUILT
from stacks.outputs import SharedOutputs
from stacks.publishing import publishing_role_name, repository_name
from stacks.settings import StageSettings, stack_name
from stacks.tagging import tag


class SharedStack(cdk.Stack):
    """The bucket for data, the repository for images, the role of training jobs, and where the stage asks for
    it the key for all of them.
    """

    def __init__(self, scope: Construct, *, stage: StageSettings) -> None:
        super().__init__(
            scope,
            stack_name(stage.name),
            env=cdk.Environment(account=stage.account, region=stage.region),
            description=f"Slipway {stage.name}: data and images",
        )
        tag(self, stage=stage.name)
        retain = stage.retain_data
        self.key = (
            EncryptionKey(self, "Key", props=EncryptionKeyProps(retain=retain)).key
            if stage.encryption == "kms"
            else None
        )
        data = DataBucket(
            self,
            "Data",
            props=DataBucketProps(
                retain=retain,
                key=self.key,
                access_logs=stage.access_logs,
                log_retention_days=stage.log_retention_days,
            ),
        )
        self.bucket = data.bucket
        self.repository = ImageRepository(
            self, "Images", props=ImageRepositoryProps(name=repository_name(stage.name), key=self.key)
        ).repository
        ImagePublishing(
            self,
            "ImagePublishing",
            props=ImagePublishingProps(
                role_name=publishing_role_name(stage.name, self.region), repository=self.repository
            ),
        )
        table = ImageTable(self, "PrebuiltImages")
        training = TrainingRole(
            self,
            "TrainingRole",
            props=TrainingRoleProps(
                bucket=self.bucket,
                repository_arns=[
                    table.find(image).repository_arn
                    for image in PREBUILT.values()
                    if image.published_in(stage.region)
                ],
                key=self.key,
            ),
        )
        outputs = SharedOutputs(
            training_role_arn=training.role.role_arn,
            bucket_name=self.bucket.bucket_name,
            repository_uri=self.repository.repository_uri,
            key_arn=self.key.key_arn if self.key else None,
            access_logs_bucket_name=data.access_logs.bucket_name if data.access_logs else None,
        )
        PublishedOutputs(
            self, "Outputs", props=PublishedOutputsProps(stage=stage.name, model=None, outputs=outputs)
        )
