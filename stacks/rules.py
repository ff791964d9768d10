"""The house rules: what must hold for every template, as pure functions of a template.

cdk-nag has no rule for SageMaker models and endpoints, and none on what a stack leaves behind. These run at
every synth (stacks/validation.py) and in the tests; what stays on purpose is in stacks/accepted.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from stacks.instances import takes_volume_key
from stacks.template_reading import (
    Template,
    environments,
    granted,
    listed,
    resource_policies,
    resources,
    strings,
    variants,
)

# A logical id, and what of it was found: the part in brackets of the finding's id.
_Hit = tuple[str, str]

PROD_MIN_INSTANCES = 2
# Types that may go without a written deletion policy, and why.
HOLDS_NOTHING = {
    "AWS::SageMaker::Model": "points at an archive and an image",
    "AWS::SageMaker::EndpointConfig": "points at models",
    "AWS::SageMaker::Endpoint": "machines that can be started again",
}
_ENDPOINT_METRICS = {"Invocation5XXErrors", "ModelLatency"}
_SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"(AKIA|ASIA)[A-Z0-9]{16}|-----BEGIN [A-Z ]*PRIVATE KEY|gh[pousr]_\w{36}|xox[abp]-"
)


@dataclass(frozen=True)
class Finding:
    """A resource that breaks a rule."""

    rule: str
    """The exact id: H-03[ecr:GetAuthorizationToken]."""
    resource: str
    """The logical id, or the name of an output."""
    message: str
    fix: str


@dataclass(frozen=True)
class Rule:
    """One house rule."""

    id: str
    message: str
    fix: str
    check: Callable[[Template], Iterator[_Hit]]
    prod_only: bool = False


def findings(template: Template, stage: str) -> list[Finding]:
    """Return what breaks a rule in a template.

    Args:
        template: a CloudFormation template.
        stage: local, dev or prod.
    """
    return [
        Finding(f"{rule.id}[{detail}]" if detail else rule.id, resource, rule.message, rule.fix)
        for rule in RULES
        if stage == "prod" or not rule.prod_only
        for resource, detail in rule.check(template)
    ]


def _undecided_deletion(template: Template) -> Iterator[_Hit]:
    for name, resource in resources(template):
        if "DeletionPolicy" not in resource and resource["Type"] not in HOLDS_NOTHING:
            yield name, resource["Type"]


def _wildcard_actions(template: Template) -> Iterator[_Hit]:
    for name, statement in granted(template):
        for action in listed(statement.get("Action")):
            if "*" in action:
                yield name, action


def _wildcard_resources(template: Template) -> Iterator[_Hit]:
    for name, statement in granted(template):
        if any("*" in text for text in strings(statement.get("Resource"))):
            yield name, ",".join(listed(statement.get("Action")))


def _fixed_names(template: Template) -> Iterator[_Hit]:
    for kind, key in (("Model", "ModelName"), ("EndpointConfig", "EndpointConfigName")):
        for name, resource in resources(template, f"AWS::SageMaker::{kind}"):
            if key in resource["Properties"]:
                yield name, ""


def _network_open(template: Template) -> Iterator[_Hit]:
    for name, resource in resources(template, "AWS::SageMaker::Model"):
        if resource["Properties"].get("EnableNetworkIsolation") is not True:
            yield name, ""


def _no_execution_role(template: Template) -> Iterator[_Hit]:
    for name, resource in resources(template, "AWS::SageMaker::Model"):
        if not resource["Properties"].get("ExecutionRoleArn"):
            yield name, ""


def _confused_deputies(template: Template) -> Iterator[_Hit]:
    for name, statement in resource_policies(template):
        principal = statement.get("Principal")
        services = listed(principal.get("Service")) if isinstance(principal, Mapping) else []
        if statement.get("Effect") == "Allow" and "aws:Source" not in json.dumps(
            statement.get("Condition", {})
        ):
            for service in services:
                yield name, service


def _unwatched_endpoints(template: Template) -> Iterator[_Hit]:
    groups = {
        name: resource["Properties"].get("LogGroupName")
        for name, resource in resources(template, "AWS::Logs::LogGroup")
    }
    alarms: dict[str, set[str]] = {}
    for _, resource in resources(template, "AWS::CloudWatch::Alarm"):
        for dimension in resource["Properties"].get("Dimensions", []):
            if dimension["Name"] == "EndpointName" and isinstance(dimension["Value"], str):
                alarms.setdefault(dimension["Value"], set()).add(resource["Properties"].get("MetricName", ""))
    for name, resource in resources(template, "AWS::SageMaker::Endpoint"):
        endpoint = str(resource["Properties"].get("EndpointName"))
        waits_for = {groups.get(other) for other in listed(resource.get("DependsOn"))}
        if f"/aws/sagemaker/Endpoints/{endpoint}" not in waits_for:
            yield name, "log group"
        for metric in sorted(_ENDPOINT_METRICS - alarms.get(endpoint, set())):
            yield name, metric


def _too_few_instances(template: Template) -> Iterator[_Hit]:
    for name, variant in variants(template):
        if variant.get("InitialInstanceCount", 0) < PROD_MIN_INSTANCES:
            yield name, str(variant.get("VariantName"))


def _no_key(template: Template) -> Iterator[_Hit]:
    buckets = dict(resources(template, "AWS::S3::Bucket"))
    # S3's log delivery encrypts with S3's own keys.
    log_buckets = {
        reference
        for bucket in buckets.values()
        for reference in strings(bucket["Properties"].get("LoggingConfiguration", {}))
    }
    for name, bucket in buckets.items():
        if name not in log_buckets and "KMSMasterKeyID" not in json.dumps(bucket["Properties"]):
            yield name, ""
    for name, resource in resources(template, "AWS::ECR::Repository"):
        if "KmsKey" not in resource["Properties"].get("EncryptionConfiguration", {}):
            yield name, ""
    for name, variant in variants(template):
        config = template["Resources"][name]["Properties"]
        if "KmsKeyId" not in config and takes_volume_key(variant["InstanceType"]):
            yield name, ""


def _secrets(template: Template) -> Iterator[_Hit]:
    for name, resource in resources(template):
        if any(_SECRET_VALUE.search(text) for text in strings(resource)):
            yield name, ""
        for key, value in environments(resource.get("Properties", {})):
            if _SECRET_NAME.search(key) and isinstance(value, str):
                yield name, key


def _open_to_everybody(template: Template) -> Iterator[_Hit]:
    for name, statement in resource_policies(template):
        if statement.get("Effect") == "Allow" and statement.get("Principal") in ("*", {"AWS": "*"}):
            yield name, ",".join(listed(statement.get("Action")))


def _exports(template: Template) -> Iterator[_Hit]:
    for name, output in template.get("Outputs", {}).items():
        if "Export" in output:
            yield name, ""


RULES: tuple[Rule, ...] = (
    Rule(
        "H-01",
        "Nobody decided what happens to this resource when the stack is destroyed.",
        "Call apply_removal_policy, or add its type to HOLDS_NOTHING with a reason.",
        _undecided_deletion,
    ),
    Rule("H-02", "A policy allows actions by wildcard.", "Name the actions.", _wildcard_actions),
    Rule("H-03", "A policy allows actions on resources by wildcard.", "Name the ARNs.", _wildcard_resources),
    Rule(
        "H-04",
        "A name is fixed, so a changed model cannot be deployed: CloudFormation makes the new one first.",
        "Leave the name to CloudFormation.",
        _fixed_names,
    ),
    Rule(
        "H-05",
        "The model's container can reach the network.",
        "Remove requirements.txt from the model folder, or accept it in stacks/accepted.py.",
        _network_open,
        prod_only=True,
    ),
    Rule("H-06", "The model has no execution role.", "Set execution_role_arn.", _no_execution_role),
    Rule(
        "H-07",
        "A service may act on behalf of any account.",
        "Add a condition on aws:SourceAccount and aws:SourceArn.",
        _confused_deputies,
    ),
    Rule(
        "H-08",
        "The endpoint has no log group of its own to wait for, or lacks an alarm by its name.",
        "Add EndpointLogs and EndpointAlarms.",
        _unwatched_endpoints,
    ),
    Rule(
        "H-09",
        "An endpoint of prod has fewer than two instances, so one broken machine is an outage.",
        "Set instance_count = 2 or more.",
        _too_few_instances,
        prod_only=True,
    ),
    Rule(
        "H-10",
        "Data of prod is encrypted without a key of yours.",
        'Set encryption = "kms" in stages.toml.',
        _no_key,
        prod_only=True,
    ),
    Rule("H-11", "This looks like a secret in the template.", "Keep it in Secrets Manager.", _secrets),
    Rule("H-12", "A policy allows something to everybody.", "Name the principals.", _open_to_everybody),
    Rule(
        "H-13",
        "An output is exported; while another stack imports it, it can be neither changed nor removed.",
        "Publish it as an SSM parameter.",
        _exports,
    ),
)
