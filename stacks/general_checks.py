"""Checks of any template: who may do what, what stays behind, what must not be written down."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stacks.template_reading import (
    Hit,
    Template,
    environments,
    granted,
    listed,
    rendered,
    resource_policies,
    resources,
    strings,
)

# Types that may go without a written deletion policy, and why.
HOLDS_NOTHING = {
    "AWS::SageMaker::Model": "points at an archive and an image",
    "AWS::SageMaker::EndpointConfig": "points at models",
    "AWS::SageMaker::Endpoint": "machines that can be started again",
}
_SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"(AKIA|ASIA)[A-Z0-9]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|gh[pousr]_\w{36}|xox[abp]-"
)
# Wildcards that no narrower ARN can replace: what is under one prefix, and which actions may be so wide.
# Objects of any bucket are read only; those of the stage's own bucket, a reference, are written too.
_LOG_ACTIONS = {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"}
_UNDER_A_PREFIX = (
    (re.compile(r".*:s3:::([a-z0-9.-]+|<[^>]+>)/[^*]+/\*"), {"s3:GetObject"}),
    (
        re.compile(r"(.*:s3:::)?<[^>]+>/[^*]+/\*"),
        {"s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"},
    ),
    # Versions of one model, which go with its stack.
    (
        re.compile(r".*:s3:::<[^>]+>/models/[^*/]+/\*"),
        {"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"},
    ),
    # The versions of one function, a reference: AWS numbers them.
    (re.compile(r"<[^>]+\.Arn>:\*"), {"lambda:InvokeFunction"}),
    (re.compile(r".*:log-group:/aws/sagemaker/(Training|Transform)Jobs:\*"), _LOG_ACTIONS),
    # The groups of one environment, which the files of its platform name.
    (
        re.compile(
            r".*:log-group:/aws/elasticbeanstalk/[a-z0-9-]+-(blue|green)/(environment-health\.log:)?\*"
        ),
        {*_LOG_ACTIONS, "logs:DeleteLogGroup"} - {"logs:CreateLogGroup"},
    ),
    (
        re.compile(r".*:model-package/[a-z0-9-]+/\*"),
        {"sagemaker:CreateModelPackage", "sagemaker:DeleteModelPackage", "sagemaker:ListModelPackages"},
    ),
)


def undecided_deletion(template: Template) -> Iterator[Hit]:
    """Yield what nobody decided on: does it go with the stack?"""
    for name, resource in resources(template):
        if "DeletionPolicy" not in resource and resource["Type"] not in HOLDS_NOTHING:
            yield name, resource["Type"]


def wildcard_actions(template: Template) -> Iterator[Hit]:
    """Yield actions by wildcard."""
    for name, statement in granted(template):
        for action in listed(statement.get("Action")):
            if "*" in action:
                yield name, action


def wildcard_resources(template: Template) -> Iterator[Hit]:
    """Yield actions on resources by wildcard."""
    for name, statement in granted(template):
        actions = listed(statement.get("Action"))
        wild = [text for text in map(rendered, _each(statement.get("Resource"))) if "*" in text]
        if not all(_is_under_a_prefix(text, actions) for text in wild):
            yield name, ",".join(actions)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_under_a_prefix(resource: str, actions: list[str]) -> bool:
    return any(
        pattern.fullmatch(resource) and allowed.issuperset(actions) for pattern, allowed in _UNDER_A_PREFIX
    )


def confused_deputies(template: Template) -> Iterator[Hit]:
    """Yield services that could be made to act for somebody else."""
    for name, statement in resource_policies(template):
        principal = statement.get("Principal")
        services = listed(principal.get("Service")) if isinstance(principal, Mapping) else []
        if statement.get("Effect") == "Allow" and "aws:Source" not in json.dumps(
            statement.get("Condition", {})
        ):
            for service in services:
                yield name, service


def secrets(template: Template) -> Iterator[Hit]:
    """Yield what looks like a secret."""
    for name, resource in resources(template):
        if any(_SECRET_VALUE.search(text) for text in strings(resource)):
            yield name, ""
        for key, value in environments(resource.get("Properties", {})):
            if _SECRET_NAME.search(key) and isinstance(value, str):
                yield name, key


def open_to_everybody(template: Template) -> Iterator[Hit]:
    """Yield what everybody may do."""
    for name, statement in resource_policies(template):
        if statement.get("Effect") == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}):
            yield name, ",".join(listed(statement.get("Action")))


def exports(template: Template) -> Iterator[Hit]:
    """Yield exports."""
    for name, output in template.get("Outputs", {}).items():
        if "Export" in output:
            yield name, ""
