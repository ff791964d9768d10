"""Where the images of a stage go, and when: names that the shared stack and the models' stacks agree on."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk.cloud_assembly_schema import ArtifactType, AssetManifestProperties

from stacks.settings import StageName, stack_name

# What DefaultStackSynthesizer says of a stack's assets, which `add_artifact` replaces.
_BOOTSTRAP_VERSION = 6
_BOOTSTRAP_PARAMETER = f"/cdk-bootstrap/{cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER}/version"


def repository_name(stage: StageName) -> str:
    """Return the name of the stage's repository, fixed so that a model's stack knows it at synth."""
    return stack_name(stage)


def publishing_role_name(stage: StageName, region: str) -> str:
    """Return the name of the role that pushes; IAM is global, so the region is a part of it."""
    return f"{stack_name(stage)}-image-publishing-{region}"


class StageSynthesizer(cdk.DefaultStackSynthesizer):
    """Sends the images of a model's stack into the repository that the shared stack declares.

    `cdk deploy` publishes a stack's assets after the stacks that it depends on are there, but builds them
    before all stacks, and looks for their repository already then. So here the assets themselves wait for the
    shared stack: the first `cdk deploy --all` works, without --asset-prebuild=false.
    """

    def __init__(self, stage: StageName) -> None:
        role = publishing_role_name(stage, "${AWS::Region}")
        super().__init__(
            image_assets_repository_name=repository_name(stage),
            image_asset_publishing_role_arn=f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{role}",
        )
        self._shared = stack_name(stage)

    def reusable_bind(self, stack: cdk.Stack) -> cdk.IBoundStackSynthesizer:
        """Serve one stack: CDK would bind a copy, and that copy knows nothing of this class."""
        self.bind(stack)
        return self

    def synthesize(self, session: cdk.ISynthesisSession) -> None:
        """Write the template and its assets."""
        super().synthesize(session)
        stack = self._bound_stack.artifact_id
        session.assembly.add_artifact(
            f"{stack}.assets",
            type=ArtifactType.ASSET_MANIFEST,
            properties=AssetManifestProperties(
                file=f"{stack}.assets.json",
                requires_bootstrap_stack_version=_BOOTSTRAP_VERSION,
                bootstrap_stack_version_ssm_parameter=_BOOTSTRAP_PARAMETER,
            ),
            dependencies=[self._shared],
        )
