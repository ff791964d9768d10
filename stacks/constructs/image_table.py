"""Where the prebuilt images are in the region that the stack is deployed to."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from stacks.images import SKLEARN, PrebuiltImage


@dataclass(frozen=True)
class RegistryImage:
    """An image in a registry, as templates write it."""

    image_uri: str
    repository_arn: str


class ImageTable(Construct):
    """The table of registries as a CloudFormation mapping: the region is known when the stack is deployed.

    All prebuilt images are in the same registries.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._accounts = cdk.CfnMapping(
            self,
            "Accounts",
            mapping={region: {"account": account} for region, account in SKLEARN.accounts.items()},
        )

    def find(self, image: PrebuiltImage) -> RegistryImage:
        """Return the image of the region that the stack goes to."""
        account = self._accounts.find_in_map(cdk.Aws.REGION, "account")
        registry = f"{account}.dkr.ecr.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}"
        return RegistryImage(
            image_uri=f"{registry}/{image.repository}:{image.tag}",
            repository_arn=cdk.Stack.of(self).format_arn(
                service="ecr",
                account=account,
                region=cdk.Aws.REGION,
                resource="repository",
                resource_name=image.repository,
            ),
        )
