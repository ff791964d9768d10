"""Where a stage lives: the embedded AWS of this machine, or an AWS account."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localaws.control import Server, client_environment, client_variables
from slipway.bound_session import BoundSession
from slipway.errors import AwsUnreachable, DeployFailed, MixedUp, NotDeployed
from stacks.settings import StageSettings, stack_name

# A connection that AWS closed under load is tried again; `standard` adds jitter and a cap.
RETRIES = {"mode": "standard", "max_attempts": 4}
_CONNECT_S = 5


@dataclass(frozen=True)
class Aws:
    """One stage's AWS."""

    stage: StageSettings
    session: boto3.Session
    environment: Mapping[str, str]
    """For programs that we start, the CDK CLI above all."""
    endpoint_url: str | None = None

    @classmethod
    def local(cls, stage: StageSettings, server: Server) -> Aws:
        """Return the embedded AWS. Keys are fake, and files with real ones are not even opened."""
        variables = client_variables(server)
        session = _session(
            variables["AWS_REGION"], variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
        )
        return cls(stage, session, client_environment(server), server.url)

    @classmethod
    def account(cls, stage: StageSettings) -> Aws:
        """Return the AWS account that the person's own credentials are for.

        Raises:
            AwsUnreachable: there are no credentials, or no region.
            MixedUp: the shell's variables point at the embedded AWS of this machine.
        """
        url = os.environ.get("AWS_ENDPOINT_URL", "")
        if "//127.0.0.1" in url or "//localhost" in url:
            raise MixedUp(
                f"Stage {stage.name} is an AWS account, and this shell points at {url}.",
                why="The variables of `slipway env` are set here, fake keys among them.",
                fix='Open a new shell, or run: eval "$(slipway env --unset)"',
            )
        # AWS_REGION is the CDK CLI's variable as well; boto3 knows the other one alone.
        session = boto3.Session(region_name=stage.region or os.environ.get("AWS_REGION"))
        if session.region_name is None:
            raise AwsUnreachable(
                f"There is no AWS region for stage {stage.name}.",
                why=f"[{stage.name}] in stages.toml names none, and your AWS settings name none.",
                fix=f"Set region in [{stage.name}] of stages.toml, or the variable AWS_REGION.",
            )
        if session.get_credentials() is None:
            raise AwsUnreachable(
                f"There are no AWS credentials for stage {stage.name}.",
                fix=f"Log in, e.g. with: aws sso login. Then: slipway doctor --stage {stage.name}",
            )
        return cls(stage, session, dict(os.environ))

    def client(self, service: str, **config: Any) -> Any:
        """Return a boto3 client of this stage."""
        settings = Config(retries=RETRIES, **config)
        return self.session.client(service, endpoint_url=self.endpoint_url, config=settings)

    def bound(self) -> BoundSession:
        """Return a session for code that makes its own clients: they go where ours go."""
        config = Config(retries=RETRIES, connect_timeout=_CONNECT_S)
        return BoundSession(self.session, self.endpoint_url, config)

    def assuming(self, role_arn: str) -> Aws:
        """Return this stage's AWS as a role sees it; programs that we start keep their own keys.

        Raises:
            AwsUnreachable: the role cannot be assumed.
        """
        try:
            answer = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="slipway")
        except (BotoCoreError, ClientError) as error:
            raise AwsUnreachable(f"The role {role_arn} cannot be assumed.", why=str(error)) from None
        keys = answer["Credentials"]
        given = (str(keys[name]) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
        return replace(self, session=_session(str(self.session.region_name), *given))

    def filled(self, text: str) -> str:
        """Return a text of a cloud assembly with this stage's partition, account and region filled in."""
        values = {
            "AWS::Partition": "aws",
            "AWS::AccountId": self.stage.account or "",
            "AWS::Region": self.stage.region or "",
            "AWS::URLSuffix": "amazonaws.com",
        }
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    def outputs(self, model: str | None = None) -> dict[str, str]:
        """Return the outputs of the shared stack, or of a model's.

        Raises:
            NotDeployed: there is no such stack, or it cannot be asked.
        """
        name = stack_name(self.stage.name, model)
        try:
            stack = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                raise self._not_deployed(name, model) from None
            raise NotDeployed(f"{name} cannot be read.", why=str(error)) from None
        except BotoCoreError as error:
            raise NotDeployed(
                f"{name} cannot be read.", why=str(error), fix="Check your AWS credentials and region."
            ) from None
        if stack["StackStatus"] in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"):
            raise self._not_deployed(name, model)
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def stack_status(self, model: str | None = None) -> str | None:
        """Return the status of a stack, or None where there is none."""
        name = stack_name(self.stage.name, model)
        try:
            stacks = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
            return str(stacks[0]["StackStatus"])
        except ClientError:
            return None

    def _not_deployed(self, name: str, model: str | None) -> NotDeployed:
        stage = "" if self.stage.name == "local" else f" --stage {self.stage.name}"
        return NotDeployed(
            f"{model or 'The shared stack'} is not deployed on {self.stage.name}: there is no stack {name}.",
            fix=f"Run: slipway deploy{f' {model}' if model else ''}{stage}",
        )


def made(aws: Aws, model: str, resource_type: str) -> str:
    """Return the physical id of the one resource of a type in a model's stack.

    Args:
        aws: where.
        model: the model's name.
        resource_type: such as AWS::Lambda::Version.

    Raises:
        DeployFailed: the stack has none, or several.
    """
    name = stack_name(aws.stage.name, model)
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=name)
    ids = [
        str(item["PhysicalResourceId"])
        for page in pages
        for item in page["StackResourceSummaries"]
        if item["ResourceType"] == resource_type
    ]
    if len(ids) != 1:
        raise DeployFailed(f"{name} has {len(ids)} of {resource_type}, and should have one.")
    return ids[0]


def _session(region: str, key_id: str, secret: str, token: str | None = None) -> boto3.Session:
    """Return a session with these keys; files with a person's own are not even opened."""
    bare = botocore.session.Session(profile=None)
    bare.set_config_variable("config_file", os.devnull)
    bare.set_config_variable("credentials_file", os.devnull)
    return boto3.Session(
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        region_name=region,
        botocore_session=bare,
    )
