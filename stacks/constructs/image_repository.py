"""The repository for container images of our own."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

# All models of the stage share them, and one that an endpoint runs must not go.
_KEPT_IMAGES = 100
_UNTAGGED_EXPIRY_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class ImageRepositoryProps:
    """What an ImageRepository needs to know."""

    name: str
    """Fixed, so that models' stacks know it at synth."""
    key: kms.IKey | None
    """Encrypt with this key; None is ECR's own."""


class ImageRepository(Construct):
    """A repository whose images are scanned and never overwritten; they go with the stack."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ImageRepositoryProps) -> None:
        super().__init__(scope, construct_id)
        self.repository = ecr.Repository(
            self,
            "Default",
            repository_name=props.name,
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.KMS if props.key else ecr.RepositoryEncryption.AES_256,
            encryption_key=props.key,
            # ECR itself empties it, also of images of several platforms, which CDK's custom resource missed.
            empty_on_delete=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    rule_priority=1,
                    description="Layers that no tag names",
                    tag_status=ecr.TagStatus.UNTAGGED,
                    max_image_age=cdk.Duration.days(_UNTAGGED_EXPIRY_DAYS),
                ),
                ecr.LifecycleRule(
                    rule_priority=2,
                    description=f"All but the newest {_KEPT_IMAGES}",
                    tag_status=ecr.TagStatus.ANY,
                    max_image_count=_KEPT_IMAGES,
                ),
            ],
        )
        stack = cdk.Stack.of(self)
        functions = stack.format_arn(
            service="lambda",
            resource="function",
            # CloudFormation makes a function's name of its stack's, which begins like the repository's.
            resource_name=f"{props.name}-*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        # Lambda pulls as itself, and not as the one who deploys or the function's role. It would write this
        # policy itself, outside CloudFormation and for all functions, where it finds none
        # ("Amazon ECR permissions" in the Lambda developer guide).
        self.repository.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("lambda.amazonaws.com")],
                actions=["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                conditions={"ArnLike": {"aws:SourceArn": functions}},
            )
        )
