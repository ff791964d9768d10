"""Findings that stay on purpose in stacks with an environment on Beanstalk: accepted.py has them, too."""

from __future__ import annotations

from stacks.acceptance import Accepted

_OBSERVE = (
    "autoscaling:DescribeAutoScalingGroups,autoscaling:DescribeAutoScalingInstances,"
    "autoscaling:DescribeNotificationConfigurations,autoscaling:DescribeScalingActivities,"
    "ec2:DescribeAddresses,ec2:DescribeInstanceStatus,ec2:DescribeInstances,ec2:DescribeSecurityGroups,"
    "elasticloadbalancing:DescribeLoadBalancers,elasticloadbalancing:DescribeTargetHealth"
)
_NO_SOURCE = "Lambda names no source when it takes a function's role; "
_MACHINES, _SERVICE, _CLEANER = (
    "InstanceProfileRole4033D21C",
    "ServiceRole4288B192",
    "CleanupCleanerRole938B3777",
)
_VERSIONS = (
    "Versions of one application, which Beanstalk keeps under the environment's id: that is known only when "
    "the environment has been made"
)
_LOG_BUNDLES = "Logs that somebody asks for go under the environment's id, which is not known before"
_REMOVED = "The environments' ids are known only when they have been made; the function finds its own by name"
_GROUPS = "The groups of one environment: the platform's files name them"
_BUCKET = "arn:<AWS::Partition>:s3:::elasticbeanstalk-<AWS::Region>-<AWS::AccountId>/resources/environments"
_LOG_GROUP = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group"
_ID = "e-??????????"


def _wildcard(resource: str) -> str:
    return f"AwsSolutions-IAM5[Resource::{resource}]"


_GROUPS_OF_BOTH, _HEALTH_OF_BOTH = (
    [f"{_LOG_GROUP}:/aws/elasticbeanstalk/{{environment}}-{slot}/{rest}" for slot in ("blue", "green")]
    for rest in ("*", "environment-health.log:*")
)
_OF_ACCESS_LOGS = (
    "DataAccessLogsPolicy459727B3",
    "H-07[logdelivery.elasticloadbalancing.amazonaws.com]",
    "AWS documents no source for it; it may write only under this account's number, which is that of the "
    "load balancer's owner",
)
OF_ENVIRONMENTS = tuple(
    Accepted(
        stack="shared" if finding == _OF_ACCESS_LOGS[1] else "model",
        path=path,
        finding=finding,
        reason=reason,
        accepted="2026-11-21",
        expires="2027-11-21",
    )
    for path, finding, reason in (
        _OF_ACCESS_LOGS,
        (_MACHINES, "H-03[ecr:GetAuthorizationToken]", "The action takes no resource"),
        (_MACHINES, "H-03[s3:GetObject]", _VERSIONS),
        (_MACHINES, "H-03[s3:PutObject]", _LOG_BUNDLES),
        (
            _MACHINES,
            "H-07[ec2.amazonaws.com]",
            "EC2 names no source when it takes a machine's role; to give a machine the role takes "
            "iam:PassRole in this account",
        ),
        (
            _SERVICE,
            f"H-03[{_OBSERVE}]",
            "Descriptions of Auto Scaling, EC2 and load balancers take no resource",
        ),
        (
            _SERVICE,
            "H-03[ec2:AssociateAddress]",
            "The address of a single machine moves to the next one, and neither is known before",
        ),
        (
            _SERVICE,
            "H-07[elasticbeanstalk.amazonaws.com]",
            "AWS documents no source for it, but an external id, which is asked for; the role reads only",
        ),
        (_CLEANER, "H-03[s3:DeleteObject]", _REMOVED),
        (_CLEANER, "H-03[logs:DescribeLogGroups]", "The action is checked against all groups"),
        (_CLEANER, "H-07[lambda.amazonaws.com]", _NO_SOURCE + "this one runs when the stack goes"),
        (
            "LiveEnvironmentCheckerRoleDFDE3A33",
            "H-07[lambda.amazonaws.com]",
            _NO_SOURCE + "this one swaps the names of one model's environments and nothing else",
        ),
        (
            "Environment",
            "H-45[no TLS]",
            "TLS needs a certificate for a name of yours: certificate_arn and domain_name in model.toml; "
            "`slipway deploy` says that it is plain HTTP",
        ),
        (
            "Environment/Default",
            "AwsSolutions-EB1",
            "Without vpc_id in model.toml it is in the account's default VPC",
        ),
        (
            "Environment/Default",
            "AwsSolutions-EB4",
            "CloudWatch Logs has the machines' logs, with a retention; a second copy in S3 has none",
        ),
        ("InstanceProfile/Role/Resource", _wildcard("*"), "ecr:GetAuthorizationToken takes no resource"),
        (
            "InstanceProfile/Role/Resource",
            _wildcard(f"{_BUCKET}/{_ID}/_runtime/_versions/{{stack}}/*"),
            _VERSIONS,
        ),
        (
            "InstanceProfile/Role/Resource",
            _wildcard(f"{_BUCKET}/{_ID}/_runtime/versions/manifest_*"),
            "Which version a machine takes; " + _VERSIONS,
        ),
        ("InstanceProfile/Role/Resource", _wildcard(f"{_BUCKET}/logs/*"), _LOG_BUNDLES),
        *(("InstanceProfile/Role/Resource", _wildcard(group), _GROUPS) for group in _GROUPS_OF_BOTH),
        ("ServiceRole/Default/Resource", _wildcard("*"), "What it observes takes no resource"),
        *(
            ("ServiceRole/Default/Resource", _wildcard(group), "The streams of one log group")
            for group in _HEALTH_OF_BOTH
        ),
        ("Cleanup/Cleaner/Role/Resource", _wildcard(f"{_BUCKET}/{_ID}/*"), _REMOVED),
        ("Cleanup/Cleaner/Role/Resource", _wildcard(f"{_BUCKET}/logs/*/{_ID}/*"), _REMOVED),
        ("Cleanup/Cleaner/Role/Resource", _wildcard(f"{_LOG_GROUP}:*"), "DescribeLogGroups needs all groups"),
        *(("Cleanup/Cleaner/Role/Resource", _wildcard(group), _GROUPS) for group in _GROUPS_OF_BOTH),
    )
)
