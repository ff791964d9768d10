"""The function behind `auto_delete_objects`, made to leave nothing behind itself."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.retention import log_retention

# The id under which aws-cdk-lib puts the function, one a stack, when the first bucket asks for it.
_PROVIDER_ID = "Custom::S3AutoDeleteObjectsCustomResourceProvider"


@dataclass(frozen=True, kw_only=True)
class BucketEmptierProps:
    """What a BucketEmptier needs to know."""

    log_retention_days: int


class BucketEmptier(Construct):
    """Gives CDK's bucket-emptying function a log group of this stack, and no right to make another.

    As it comes, the function runs with AWSLambdaBasicExecutionRole. Lambda then makes `/aws/lambda/<name>`
    outside CloudFormation, and that group survives the stack (aws/aws-cdk#26553).
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: BucketEmptierProps) -> None:
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            retention=log_retention(props.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        provider = cdk.Stack.of(self).node.find_child(_PROVIDER_ID)
        handler, role = provider.node.find_child("Handler"), provider.node.find_child("Role")
        assert isinstance(handler, cdk.CfnResource) and isinstance(role, cdk.CfnResource)  # noqa: S101 - for mypy
        handler.add_property_override("LoggingConfig", {"LogGroup": self.log_group.log_group_name})
        role.add_property_deletion_override("ManagedPolicyArns")
        role.add_property_override(
            "Policies",
            [
                {
                    "PolicyName": "WriteOwnLogs",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                                "Resource": self.log_group.log_group_arn,
                            }
                        ],
                    },
                }
            ],
        )
        # Nothing of the function is data; say so, since a deletion policy that is not written is a guess.
        handler.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
