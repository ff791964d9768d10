"""The checks that run at synth, beside CDK's own rules for CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
import jsii
from constructs import IConstruct

from stacks.acceptance import StackKind
from stacks.accepted import ACCEPTED
from stacks.accepted_api import asked_for
from stacks.constructs.execution_role import object_arn
from stacks.rules import RULES, Finding, findings
from stacks.settings import StageName, environment_name, stack_name
from stacks.shared_stack import SharedStack
from stacks.template_reading import Template

if TYPE_CHECKING:
    from stacks.constructs.model_api import ModelApi

# The roles under which a model's container runs.
_ROLES = ("ExecutionRole/Default/Resource", "InstanceProfile/Role/Resource")


def add_checks(app: cdk.App, stage: StageName, *, nag: bool) -> None:
    """Make synth fail on findings that nobody accepted.

    Args:
        app: the app with all its stacks.
        stage: the house rules ask more of prod.
        nag: run cdk-nag too. It costs a third of a second and has opinions on what dev and local choose on
            purpose (no access logs), so app.py asks for it on prod and with `-c nag=true`.
    """
    cdk.Validations.of(app).add_plugins(HouseRules(stage))
    if nag:
        from cdk_nag import AwsSolutionsChecks, ServerlessChecks

        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
        _acknowledge(app, stage)


@jsii.implements(cdk.IPolicyValidationPlugin)
class HouseRules:
    """The house rules as a plugin of CDK."""

    def __init__(self, stage: StageName) -> None:
        self._stage = stage

    @property
    def name(self) -> str:
        """The name in CDK's report."""
        return "House"

    @property
    def version(self) -> str | None:
        """No version: the rules are part of the app."""
        return None

    @property
    def rule_ids(self) -> list[str] | None:
        """The ids of the rules."""
        return [rule.id for rule in RULES]

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Check every template that was synthesized."""
        violations = [
            cdk.PolicyViolation(
                rule_name=finding.rule,
                description=finding.message,
                fix=finding.fix,
                severity="error",
                violating_resources=[
                    cdk.PolicyViolatingResource(
                        resource_logical_id=finding.resource, template_path=path, locations=[]
                    )
                ],
            )
            for path in context.template_paths
            for finding in unaccepted(_read(path), self._stage, self._kind(path))
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)

    def _kind(self, template_path: str) -> StackKind:
        shared = f"{stack_name(self._stage)}.template.json"
        return "shared" if Path(template_path).name == shared else "model"


def unaccepted(template: Template, stage: StageName, kind: StackKind) -> list[Finding]:
    """Return what breaks a house rule in a template and is not in stacks/accepted.py."""
    known = {(entry.path, entry.finding) for entry in ACCEPTED if entry.stack == kind}
    return [found for found in findings(template, stage) if (found.resource, found.rule) not in known]


def _read(path: str) -> Template:
    template: Template = json.loads(Path(path).read_text(encoding="utf-8"))
    return template


def _acknowledge(app: cdk.App, stage: StageName) -> None:
    """Tell cdk-nag what stacks/accepted.py says of it, and what a model.toml asks for."""
    for stack in app.node.children:
        if not isinstance(stack, cdk.Stack):
            continue
        kind = "shared" if isinstance(stack, SharedStack) else "model"
        found = [
            (entry.path, entry.finding, entry.reason)
            for entry in ACCEPTED
            if entry.stack == kind and not entry.of_house_rule
        ]
        names = _known_at_synth(stack)
        # Not by its class: importing that of functions takes long where no model needs it.
        if model := getattr(stack, "model", None):
            names |= {"{stack}": stack.stack_name, "{model}": model, "{stage}": stage}
            names["{environment}"] = environment_name(stage, model)
            prefixes = getattr(stack, "s3_prefixes", ())
            arns = [object_arn("<AWS::Partition>", prefix) for prefix in prefixes]
            found += [
                (role, f"AwsSolutions-IAM5[Resource::{arn}]", "s3_prefixes names it")
                for role in _ROLES
                for arn in arns
            ]
            if api := cast("ModelApi | None", _below(stack, "Api")):
                found += asked_for(api.auth, api.origins)
        for path, finding, reason in found:
            construct = _below(stack, filled_in(path, names))
            if construct is not None:
                acknowledged = cdk.Acknowledgment(id=filled_in(finding, names), reason=reason)
                cdk.Validations.of(construct).acknowledge(acknowledged)


def _known_at_synth(stack: cdk.Stack) -> dict[str, str]:
    """Return what stands in ARNs where stages.toml names account or region, and not a reference."""
    parts = {
        "<AWS::Partition>": stack.partition,
        "<AWS::Region>": stack.region,
        "<AWS::AccountId>": stack.account,
    }
    return {name: value for name, value in parts.items() if not cdk.Token.is_unresolved(value)}


def filled_in(finding: str, names: Mapping[str, str]) -> str:
    """Return the id or the path of a finding with the names that it has in one stack."""
    for name, value in names.items():
        finding = finding.replace(name, value)
    return finding


def _below(construct: IConstruct | None, path: str) -> IConstruct | None:
    for part in path.split("/"):
        construct = construct.node.try_find_child(part) if construct is not None else None
    return construct
