"""What an AWS account must have before its first API: a role under which API Gateway writes its logs."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from slipway.aws import Aws
from slipway.errors import AwsUnreachable

_ROLE = "slipway-api-gateway-logs"
_TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
    '"Principal":{"Service":"apigateway.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
)
_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


def log_role(aws: Aws) -> str | None:
    """Return the ARN of the role that API Gateway writes logs under, or None: one for account and region.

    Raises:
        AwsUnreachable: it cannot be read.
    """
    try:
        found = aws.client("apigateway").get_account().get("cloudwatchRoleArn")
    except (BotoCoreError, ClientError) as error:
        raise AwsUnreachable(
            "The account's settings of API Gateway cannot be read.", why=str(error)
        ) from None
    return str(found) if found else None


def commands_to_set_log_role(aws: Aws) -> str:
    """Return the commands that make such a role and name it; three, to be run once for account and region."""
    region = aws.session.region_name
    partition = aws.session.get_partition_for_region(region)
    account = aws.client("sts").get_caller_identity()["Account"]
    role = f"arn:{partition}:iam::{account}:role/{_ROLE}"
    return "\n".join(
        (
            f"aws iam create-role --role-name {_ROLE} --assume-role-policy-document '{_TRUST}'",
            f"aws iam attach-role-policy --role-name {_ROLE} "
            f"--policy-arn arn:{partition}:iam::aws:policy/{_POLICY}",
            f"aws apigateway update-account --region {region} "
            f"--patch-operations op=replace,path=/cloudwatchRoleArn,value={role}",
        )
    )


def require_log_role(aws: Aws) -> None:
    """Refuse an account in which the stage of an API could not be made.

    API Gateway refuses a stage with logs: "CloudWatch Logs role ARN must be set in account settings".

    Raises:
        AwsUnreachable: there is no such role.
    """
    if log_role(aws) is None:
        raise AwsUnreachable(
            "API Gateway has no role to write logs under in this account and region.",
            why="It is a setting of the whole account, so a model's stack leaves it alone.",
            fix=f"Run once:\n{commands_to_set_log_role(aws)}",
        )
