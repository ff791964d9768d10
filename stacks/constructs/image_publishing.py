"""Who may put images into the stage's repository."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct


@dataclass(frozen=True, kw_only=True)
class ImagePublishingProps:
    """What an ImagePublishing needs to know."""

    role_name: str
    repository: ecr.IRepository


class ImagePublishing(Construct):
    """The role that `cdk deploy` takes to push an image; the bootstrap's reaches its own repository only.

    As with the bootstrap's roles, this account alone is trusted, and IAM decides who in it may take the role.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: ImagePublishingProps) -> None:
        super().__init__(scope, construct_id)
        push = iam.PolicyStatement(
            actions=[
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:DescribeImages",
                "ecr:DescribeRepositories",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:PutImage",
                "ecr:UploadLayerPart",
            ],
            resources=[props.repository.repository_arn],
        )
        # ECR's token is for the whole registry: the action takes no resource.
        log_in = iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"])
        self.role = iam.Role(
            self,
            "Default",
            role_name=props.role_name,
            # A deployer whose session carries tags that pass on may take the role too.
            assumed_by=iam.AccountRootPrincipal().with_session_tags(),
            description="Puts container images into the repository of Slipway",
            inline_policies={"PublishImages": iam.PolicyDocument(statements=[push, log_in])},
        )
        self.role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
