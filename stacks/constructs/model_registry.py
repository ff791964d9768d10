"""The registry of one model's versions, and the function that lets the stack go with versions in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from stacks.retention import log_retention
from stacks.rights import allow, inline

_CODE = Path(__file__).resolve().parents[1] / "functions" / "empty_model_registry.py"
_RUNTIME = "python3.14"
_TIMEOUT_S = 300
# CloudFormation waits so long for an answer, by itself for an hour. Lambda runs a function that timed out
# twice more, one and two minutes later, and each run deletes what is left.
_ANSWER_S = 3 * _TIMEOUT_S + 300
_MEMORY_MB = 256


@dataclass(frozen=True, kw_only=True)
class ModelRegistryProps:
    """What a ModelRegistry needs to know."""

    name: str
    model: str
    log_retention_days: int


class ModelRegistry(Construct):
    """A model package group. AWS refuses to delete one with packages: a function deletes them first."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ModelRegistryProps) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        group = sagemaker.CfnModelPackageGroup(
            self,
            "Default",
            model_package_group_name=props.name,
            model_package_group_description=f"Versions of {props.model}",
        )
        group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.group_name = props.name
        self.group_arn = group.attr_model_package_group_arn
        self.packages_arn = stack.format_arn(
            service="sagemaker", resource="model-package", resource_name=f"{props.name}/*"
        )
        emptier = self._emptier(props.log_retention_days)
        packages = cdk.CfnResource(
            self,
            "Packages",
            type="Custom::SlipwayModelPackages",
            properties={
                "ServiceToken": emptier.get_att("Arn").to_string(),
                "ServiceTimeout": str(_ANSWER_S),
                "ModelPackageGroupName": props.name,
            },
        )
        packages.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        packages.add_resource_dependency(group)

    def _emptier(self, log_retention_days: int) -> cdk.CfnResource:
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=log_retention(log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "EmptierRole",
            # Lambda sends no source account when it takes a role.
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies=inline(
                {
                    "DeletePackages": [
                        allow(
                            ["sagemaker:DeleteModelPackage", "sagemaker:ListModelPackages"],
                            [self.group_arn, self.packages_arn],
                        )
                    ],
                    "WriteOwnLogs": [
                        allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn])
                    ],
                }
            ),
        )
        role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        # Not from aws_cdk.aws_lambda: importing that takes longer than the rest of this stack.
        function = cdk.CfnResource(
            self,
            "Emptier",
            type="AWS::Lambda::Function",
            properties={
                "Description": "Deletes the model packages of a stack that goes",
                "Runtime": _RUNTIME,
                "Handler": "index.handler",
                "Code": {"ZipFile": _CODE.read_text(encoding="utf-8")},
                "Role": role.role_arn,
                "Timeout": _TIMEOUT_S,
                "MemorySize": _MEMORY_MB,
                "LoggingConfig": {"LogGroup": log_group.log_group_name},
            },
        )
        function.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        function.node.add_dependency(role)
        return function
