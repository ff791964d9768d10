"""The Lambda function that serves one model, its versions, and the alias that requests go to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.api_schema import MAX_ROWS
from stacks.image_build import build_of
from stacks.retention import log_retention
from stacks.rights import Statement, allow, inline
from stacks.settings import ModelSettings, StageSettings, stack_name
from stacks.shared_parameters import SharedParameters
from stacks.storage import current_pointer_key, models_prefix
from training.artifact import Artifact
from training.lambda_image import find_image_context
from training.lambda_package import find_package

ALIAS = "live"
_HANDLER = "serving.aws_lambda.handler.handler"
_ARCHITECTURES: Final = {
    "x86_64": (lambda_.Architecture.X86_64, ecr_assets.Platform.LINUX_AMD64),
    "arm64": (lambda_.Architecture.ARM_64, ecr_assets.Platform.LINUX_ARM64),
}
_RUNTIME = lambda_.Runtime.PYTHON_3_13
# A row is a fraction of a millisecond's work. Threads that wait for each other on a part of a processor cost
# more than they bring, and joblib's processes need a /dev/shm that Lambda has not.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "JOBLIB_MULTIPROCESSING": "0"}


@dataclass(frozen=True, kw_only=True)
class ModelFunctionProps:
    """What a ModelFunction needs to know."""

    root: Path
    """The project's folder, where the packages are."""
    stage: StageSettings
    model: ModelSettings
    artifact: Artifact
    shared: SharedParameters


class ModelFunction(Construct):
    """A function with a role and a log group of its own, and a version for each change of code or settings.

    Versions stay when a newer one takes over: `slipway rollback` goes back to them, and all go with the
    function. What must hold before requests reach a version, `alias` is made to depend on.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: ModelFunctionProps) -> None:
        super().__init__(scope, construct_id)
        self._props, serve = props, props.model.serve
        key_arn = props.shared.key_arn
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=log_retention(props.stage.log_retention_days),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            # Lambda names no source account when it takes a function's role.
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"What the function of {props.model.name} may do",
            inline_policies=inline(self._rights(log_group)),
        )
        role.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        common: dict[str, Any] = {
            "description": f"Predicts with the model {props.model.name}",
            "architecture": _ARCHITECTURES[serve.architecture][0],
            "memory_size": serve.resolved_memory_mb,
            "timeout": cdk.Duration.seconds(serve.timeout_s),
            # All its rights are in the role already: policies that come later could come too late.
            "role": role.without_policy_updates(),
            "environment": self._environment(),
            "environment_encryption": kms.Key.from_key_arn(self, "Key", key_arn) if key_arn else None,
            "log_group": log_group,
            "logging_format": lambda_.LoggingFormat.JSON,
            "tracing": lambda_.Tracing.ACTIVE,
            "reserved_concurrent_executions": serve.reserved_concurrency,
            "recursive_loop": lambda_.RecursiveLoop.TERMINATE,
            "current_version_options": lambda_.VersionOptions(
                description=f"model {props.artifact.version}" if self.has_model else "model in S3",
                # One that failed its check goes when the stack rolls back: `slipway rollback` would offer it,
                # and to publish the same once more AWS answers "Version already exists".
                removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            ),
            "snap_start": lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if serve.snap_start else None,
        }
        self.function = self._image(common) if serve.resolved_package == "image" else self._zip(common)
        self.function.node.add_dependency(role)
        self._in_vpc()
        # CDK cannot see that there is a version.
        cdk.Annotations.of(self.function).acknowledge_warning(
            "@aws-cdk/aws-lambda:snapStartRequirePublish", "The alias points to a published version"
        )
        self.function.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
        self.function_name = self.function.function_name
        self.version = self.function.current_version
        # AWS replaces a function whose form changes. With ids of their own, what was deployed of the API goes
        # over to the new one; by the same id, it would go on to call the old one, which is gone.
        self.alias = lambda_.Alias(
            self,
            "ImageAlias" if serve.resolved_package == "image" else "Alias",
            alias_name=ALIAS,
            version=self.version,
            provisioned_concurrent_executions=serve.provisioned_concurrency,
        )
        self.alias.apply_removal_policy(cdk.RemovalPolicy.DESTROY)

    @property
    def has_model(self) -> bool:
        """Whether the model is in its package; else it is in the stage's bucket."""
        return self._props.model.serve.model_source == "package"

    def _zip(self, common: Mapping[str, Any]) -> lambda_.Function:
        props, architecture = self._props, common["architecture"]
        package = find_package(props.root, props.artifact, props.model.serve)
        layer = lambda_.LayerVersion(
            self,
            "Layer",
            code=lambda_.Code.from_asset(str(package.layer)),
            description="What serving a model needs of Python",
            compatible_runtimes=[_RUNTIME],
            compatible_architectures=[architecture],
            # Versions of the function keep what they were published with.
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        return lambda_.Function(
            self,
            "Default",
            runtime=_RUNTIME,
            handler=_HANDLER,
            code=lambda_.Code.from_asset(str(package.code)),
            layers=[layer],
            **common,
        )

    def _image(self, common: Mapping[str, Any]) -> lambda_.Function:
        props = self._props
        serve = props.model.serve
        build = build_of(props.model, props.artifact.engine, "lambda")
        code = lambda_.DockerImageCode.from_image_asset(
            str(find_image_context(props.root, props.model, props.artifact)),
            file=build.dockerfile,
            target=build.target,
            build_args=dict(build.arguments),
            platform=_ARCHITECTURES[serve.architecture][1],
        )
        return lambda_.DockerImageFunction(self, "Image", code=code, **common)

    def _in_vpc(self) -> None:
        serve = self._props.model.serve
        if serve.subnet_ids:
            function = self.function.node.default_child
            assert isinstance(function, lambda_.CfnFunction)  # noqa: S101 - for mypy
            # CDK's own way asks for the VPC, too, which says nothing to AWS and would be one more setting.
            function.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=list(serve.subnet_ids), security_group_ids=list(serve.security_group_ids)
            )

    def _environment(self) -> dict[str, str]:
        props, serve = self._props, self._props.model.serve
        told = {
            **_ONE_THREAD,
            "SLIPWAY_MAX_ROWS": str(MAX_ROWS),
            "SLIPWAY_API_AUTH": serve.resolved_auth(props.stage.name),
        }
        if serve.cors_origins:
            told["SLIPWAY_CORS_ORIGINS"] = ",".join(serve.cors_origins)
        if self.has_model:
            return told | {
                "SLIPWAY_MANIFEST_SHA256": props.artifact.manifest_sha256,
                "SLIPWAY_MODEL_VERSION": props.artifact.version,
            }
        return told | {
            "SLIPWAY_MODEL_BUCKET": props.shared.bucket_name,
            "SLIPWAY_MODEL_POINTER": current_pointer_key(props.model.name),
            "SLIPWAY_BUCKET_OWNER": cdk.Stack.of(self).account,
        }

    def _rights(self, log_group: logs.ILogGroup) -> dict[str, list[Statement]]:
        stack, props = cdk.Stack.of(self), self._props
        rights = {
            # Without logs:CreateLogGroup, a late line cannot bring the group back after the stack is gone.
            "WriteOwnLogs": [allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn])],
            # Tracing takes no resource.
            "Trace": [allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"])],
        }
        if not self.has_model:
            bucket = f"arn:{stack.partition}:s3:::{props.shared.bucket_name}"
            rights["ReadModels"] = [allow(["s3:GetObject"], [f"{bucket}/{models_prefix(props.model.name)}*"])]
        if key_arn := props.shared.key_arn:
            # For the environment, and for objects.
            rights["Decrypt"] = [allow(["kms:Decrypt"], [key_arn])]
        if props.model.serve.subnet_ids:
            rights["JoinNetwork"] = self._join_network()
        return rights

    def _join_network(self) -> list[Statement]:
        """Return what Lambda needs under the role to put a function into a VPC, and its code does not get.

        The actions take no narrower resource for a function ("Giving Lambda functions access to resources in
        an Amazon VPC" in the developer guide, which also has the second statement).
        """
        stack, props = cdk.Stack.of(self), self._props
        actions = [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ]
        # The function's name is not known yet; CloudFormation makes it of the stack's, shortened at its end.
        own = stack.format_arn(
            service="lambda",
            resource="function",
            resource_name=f"{stack_name(props.stage.name)}-*",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        return [
            allow(actions, ["*"]),
            {**allow(actions, ["*"], {"ArnLike": {"lambda:SourceFunctionArn": own}}), "Effect": "Deny"},
        ]
