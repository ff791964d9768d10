"""Where the prebuilt image is in the region that the stack is deployed to."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from stacks.images import PrebuiltImage


@dataclass(frozen=True, kw_only=True)
class ImageTableProps:
    """What an ImageTable needs to know."""

    image: PrebuiltImage


class ImageTable(Construct):
    """The table of registries as a CloudFormation mapping: the region is known when the stack is deployed."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ImageTableProps) -> None:
        super().__init__(scope, construct_id)
        image = props.image
        accounts = cdk.CfnMapping(
            self, "Accounts", mapping={region: {"account": id_} for region, id_ in image.accounts.items()}
        )
        account = accounts.find_in_map(cdk.Aws.REGION, "account")
        registry = f"{account}.dkr.ecr.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}"
        self.image_uri = f"{registry}/{image.repository}:{image.tag}"
        self.repository_arn = cdk.Stack.of(self).format_arn(
            service="ecr",
            account=account,
            region=cdk.Aws.REGION,
            resource="repository",
            resource_name=image.repository,
        )
