"""Walks through CloudFormation templates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Template = Mapping[str, Any]
# A logical id, and what of it was found: the part in brackets of a finding's id.
Hit = tuple[str, str]

# Where Beanstalk keeps environment variables.
PROPERTIES_NAMESPACE = "aws:elasticbeanstalk:application:environment"
_POLICY_KEYS = ("PolicyDocument", "KeyPolicy", "RepositoryPolicyText", "AssumeRolePolicyDocument")


def resources(template: Template, kind: str | None = None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield logical ids and resources, of one type where it is given."""
    for name, resource in template.get("Resources", {}).items():
        if kind is None or resource["Type"] == kind:
            yield name, {"Properties": {}, **resource}


def variants(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the production variants of every endpoint configuration, with its logical id."""
    for name, config in resources(template, "AWS::SageMaker::EndpointConfig"):
        for variant in config["Properties"]["ProductionVariants"]:
            yield name, variant


def shadows(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the shadow variants of every endpoint configuration, with its logical id."""
    for name, config in resources(template, "AWS::SageMaker::EndpointConfig"):
        for variant in config["Properties"].get("ShadowProductionVariants", []):
            yield name, variant


def granted(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the Allow statements of roles and of policies on roles."""
    for name, resource in resources(template):
        properties = resource["Properties"]
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            documents.append(properties["PolicyDocument"])
        for document in documents:
            for statement in document["Statement"]:
                if statement.get("Effect") == "Allow":
                    yield name, statement


def resource_policies(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the statements of policies that name a principal: trust, bucket, key and repository policies."""
    for name, resource in resources(template):
        for key in _POLICY_KEYS:
            for statement in resource["Properties"].get(key, {}).get("Statement", []):
                if "Principal" in statement:
                    yield name, statement


def environments(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the environment variables of containers and functions."""
    if isinstance(value, Mapping):
        if value.get("Namespace") == PROPERTIES_NAMESPACE:
            yield str(value.get("OptionName")), value.get("Value")
        for key, inner in value.items():
            if key in ("Environment", "Variables") and isinstance(inner, Mapping):
                yield from inner.items()
            yield from environments(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from environments(inner)


def option_settings(properties: Mapping[str, Any]) -> dict[tuple[str, str], Any]:
    """Return the options of an environment on Beanstalk by namespace and name."""
    return {
        (option["Namespace"], option["OptionName"]): option.get("Value")
        for option in properties.get("OptionSettings", [])
    }


def waits_for(template: Template, name: str, seen: frozenset[str] = frozenset()) -> set[str]:
    """Return all that is written to be there before a resource."""
    found: set[str] = set()
    for other in listed(template["Resources"].get(name, {}).get("DependsOn")):
        if other not in seen:
            found |= {other} | waits_for(template, other, seen | {name})
    return found


def references(value: Any) -> Iterator[str]:
    """Yield the logical ids that a value names."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield str(inner)
            elif key == "Fn::GetAtt":
                yield str(inner[0])
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def listed(value: Any) -> list[str]:
    """Return what IAM and CloudFormation let one write as one text or a list of them."""
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def strings(value: Any) -> Iterator[str]:
    """Yield every text inside a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def rendered(value: Any) -> str:
    """Return a text with what is known only at deploy in brackets: arn:<AWS::Partition>:s3:::<Bucket>."""
    if not isinstance(value, Mapping):
        return str(value)
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        separator, parts = argument
        return str(separator).join(map(rendered, parts))
    if function == "Fn::Sub":
        return re.sub(r"\$\{([^}]+)\}", r"<\1>", argument if isinstance(argument, str) else argument[0])
    return f"<{'.'.join(map(str, argument)) if isinstance(argument, list) else argument}>"
