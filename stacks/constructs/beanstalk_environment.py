"""The application on Elastic Beanstalk, its version, and the environment that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_elasticbeanstalk as beanstalk
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.instance_profile import SLOTS
from stacks.environment_options import Option

SLOT = "Slot"


@dataclass(frozen=True, kw_only=True)
class BeanstalkEnvironmentProps:
    """What a BeanstalkEnvironment needs to know."""

    application_name: str
    name: str
    """The environment's name, up to `-blue` or `-green`."""
    model: str
    bundle: s3_assets.Asset
    version: str
    """The model's version: 12 hex digits."""
    platform_arn: str
    options: Sequence[Option]


class BeanstalkEnvironment(Construct):
    """One application with one version and one environment, whose name ends in a parameter of the stack.

    A new bundle is a new version, which the environment takes over in place; the old version goes after that.
    Another slot is another environment: CloudFormation makes it beside the old one, and removes that last.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: BeanstalkEnvironmentProps) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        slot = cdk.CfnParameter(
            stack,
            SLOT,
            default=SLOTS[0],
            allowed_values=list(SLOTS),
            description="Which of two environments there is; another one is made before this goes",
        )
        self.application = beanstalk.CfnApplication(
            self,
            "Application",
            application_name=props.application_name,
            description=f"Predicts with the model {props.model}",
            # No rule for old versions: CloudFormation keeps one, and would miss one that a rule has removed.
        )
        version = beanstalk.CfnApplicationVersion(
            self,
            "Version",
            application_name=props.application_name,
            description=f"model {props.version}",
            source_bundle=beanstalk.CfnApplicationVersion.SourceBundleProperty(
                s3_bucket=props.bundle.s3_bucket_name, s3_key=props.bundle.s3_object_key
            ),
        )
        # It names the application, and has no reference to it.
        version.add_resource_dependency(self.application)
        self.application_name = props.application_name
        self.version_label = version.ref
        self.environment = beanstalk.CfnEnvironment(
            self,
            "Default",
            application_name=props.application_name,
            environment_name=f"{props.name}-{slot.value_as_string}",
            description=f"Predicts with the model {props.model}",
            platform_arn=props.platform_arn,
            version_label=version.ref,
            tier=beanstalk.CfnEnvironment.TierProperty(name="WebServer", type="Standard"),
            option_settings=[
                beanstalk.CfnEnvironment.OptionSettingProperty(
                    namespace=option.namespace, option_name=option.name, value=option.value
                )
                for option in props.options
            ],
        )
        # A change of tags is an update of the environment by itself; the version's label says which it is.
        cdk.Tags.of(self.environment).remove("ModelVersion")
        self.environment.add_resource_dependency(self.application)
        self.environment_name = self.environment.ref
        for resource in (self.application, version, self.environment):
            resource.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
