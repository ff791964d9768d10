"""Checks of functions that serve models: what stays behind, and what requests reach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stacks.template_reading import Hit, Template, granted, listed, references, resources, waits_for

_BASIC = "AWSLambdaBasicExecutionRole"


def makers_of_log_groups(template: Template) -> Iterator[Hit]:
    """Yield roles of functions that may make log groups: a late line brings one back after the stack."""
    allowed = {
        name for name, rule in granted(template) if "logs:CreateLogGroup" in listed(rule.get("Action"))
    }
    for name, resource in resources(template, "AWS::IAM::Role"):
        properties = resource["Properties"]
        takes = "lambda.amazonaws.com" in json.dumps(properties.get("AssumeRolePolicyDocument", {}))
        if takes and (name in allowed or _BASIC in json.dumps(properties.get("ManagedPolicyArns", []))):
            yield name, ""


def unchecked_aliases(template: Template) -> Iterator[Hit]:
    """Yield aliases that may move to a version before golden rows were asked of it."""
    checks = {
        name: _reference(resource["Properties"].get("Version"))
        for name, resource in resources(template, "Custom::SlipwayGoldenCheck")
    }
    for name, resource in resources(template, "AWS::Lambda::Alias"):
        version = _reference(resource["Properties"].get("FunctionVersion"))
        if version not in {checks.get(other) for other in waits_for(template, name)} - {None}:
            yield name, ""


def moving_integrations(template: Template) -> Iterator[Hit]:
    """Yield methods of an API that call a function and not an alias: $LATEST changes under requests."""
    aliases = {name for name, _ in resources(template, "AWS::Lambda::Alias")}
    for name, resource in resources(template, "AWS::ApiGateway::Method"):
        uri = resource["Properties"].get("Integration", {}).get("Uri")
        if ":lambda:path/" in json.dumps(uri) and not aliases.intersection(references(uri)):
            yield name, ""


def vanishing_versions(template: Template) -> Iterator[Hit]:
    """Yield versions that go when a newer one comes, or stay when the deploy that made them failed."""
    for name, resource in resources(template, "AWS::Lambda::Version"):
        policies = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
        if policies != ("RetainExceptOnCreate", "Retain"):
            yield name, ""


def function_addresses(template: Template) -> Iterator[Hit]:
    """Yield addresses of functions that go around an API."""
    for name, _ in resources(template, "AWS::Lambda::Url"):
        yield name, ""


def _reference(value: Any) -> str | None:
    return next(references(value), None)
