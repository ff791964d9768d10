"""The version of Elastic Beanstalk's Docker platform that environments run on.

Pinned, so that two deploys of the same files are the same; `slipway doctor` says when AWS has retired it.
"""

from __future__ import annotations

DOCKER = "Docker running on 64bit Amazon Linux 2023"
"""The platform branch: Docker on Amazon Linux 2023. A bundle's docker-compose.yml says what runs."""
DOCKER_VERSION = "4.13.7"
"""Recommended on 2026-08-01 ("Docker platform history" in "AWS Elastic Beanstalk platforms")."""


def platform_arn(partition: str, region: str, version: str) -> str:
    """Return the ARN of a version of the platform; it belongs to AWS, so it names no account.

    CloudFormation updates an environment in place when it changes; `SolutionStackName` would replace it.

    Args:
        partition: such as aws, which may be known only at deploy.
        region: likewise.
        version: such as 4.13.7.
    """
    return f"arn:{partition}:elasticbeanstalk:{region}::platform/{DOCKER}/{version}"
