"""The end of what Beanstalk makes by itself for an environment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct, IDependable

from stacks.constructs.deploy_function import DeployFunction, DeployFunctionProps
from stacks.constructs.instance_profile import (
    SLOTS,
    any_environment,
    application_arn,
    bucket_of,
    environment_arns,
    log_group_arn,
    log_groups,
)
from stacks.rights import allow, list_prefixes

_OBJECTS = "resources/environments/"


@dataclass(frozen=True, kw_only=True)
class EnvironmentCleanupProps:
    """What an EnvironmentCleanup needs to know."""

    application_name: str
    environment_name_prefix: str
    """The environments' names up to `-blue` or `-green`."""
    retain_logs: bool
    """Keep the log groups when the stack goes; they expire by their own retention."""
    log_retention_days: int
    after: Sequence[IDependable] = ()
    """What has to outlive it: the application, which is asked for its environments' ids."""


class EnvironmentCleanup(Construct):
    """Runs when the stack goes, after the environment: make the environment depend on `resource`.

    Beanstalk keeps copies of bundles and logs in a bucket of the account that no stack owns. This removes
    those of this application's environments, found by their ids, and never the bucket. No line arrives late
    in a log group that was deleted: the machines are gone, and none of them may make a group.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: EnvironmentCleanupProps) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        prefix = props.environment_name_prefix
        bucket = f"arn:{stack.partition}:s3:::{bucket_of(stack)}"
        objects = f"{bucket}/{_OBJECTS}"
        rights = {
            "FindEnvironments": [
                allow(
                    ["elasticbeanstalk:DescribeEnvironments"],
                    [
                        application_arn(stack, props.application_name),
                        *environment_arns(stack, props.application_name, prefix),
                    ],
                )
            ],
            "RemoveObjects": [
                list_prefixes(bucket, [_OBJECTS]),
                allow(
                    ["s3:DeleteObject"],
                    [f"{objects}{any_environment()}/*", f"{objects}logs/*/{any_environment()}/*"],
                ),
            ],
        }
        if not props.retain_logs:
            rights["RemoveLogs"] = [
                # CloudWatch Logs checks this one against all groups, whatever prefix is asked for.
                allow(["logs:DescribeLogGroups"], [log_group_arn(stack, "*")]),
                allow(["logs:DeleteLogGroup"], log_groups(stack, prefix)),
            ]
        cleaner = DeployFunction(
            self,
            "Cleaner",
            props=DeployFunctionProps(
                file="clean_environments.py",
                description="Removes what Beanstalk keeps of environments that are gone",
                rights=rights,
                log_retention_days=props.log_retention_days,
            ),
        )
        names = [f"{prefix}-{slot}" for slot in SLOTS]
        logs = (
            {} if props.retain_logs else {"LogGroups": [f"/aws/elasticbeanstalk/{name}/" for name in names]}
        )
        self.resource = cleaner.run(
            "Environments",
            "EnvironmentCleanup",
            {
                "ApplicationName": props.application_name,
                "EnvironmentNames": names,
                "Bucket": bucket_of(stack),
                "Owner": stack.account,
                **logs,
            },
            after=props.after,
        )
