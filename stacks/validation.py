"""The checks that run at synth, beside CDK's own rules for CloudFormation."""

from __future__ import annotations

import json
from pathlib import Path

import aws_cdk as cdk
import jsii

from stacks.accepted import ACCEPTED, Accepted
from stacks.model_stack import ModelStack
from stacks.rules import RULES, Finding, findings
from stacks.settings import StageName
from stacks.shared_stack import SharedStack


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
        _acknowledge(app)


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
            for finding in unaccepted(json.loads(Path(path).read_text(encoding="utf-8")), self._stage)
        ]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)


def unaccepted(template: dict[str, object], stage: StageName) -> list[Finding]:
    """Return what breaks a house rule in a template and is not in stacks/accepted.py."""
    known = {(entry.path, entry.finding) for entry in ACCEPTED}
    return [f for f in findings(template, stage) if (f.resource, f.rule) not in known]


def kind_of(stack: cdk.Stack) -> str:
    """Return what `Accepted.stack` says of a stack."""
    return {SharedStack: "shared", ModelStack: "model"}.get(type(stack), "")


def _acknowledge(app: cdk.App) -> None:
    for stack in app.node.children:
        for entry in ACCEPTED:
            if isinstance(stack, cdk.Stack) and kind_of(stack) == entry.stack and _is_nag(entry):
                construct = stack.node.try_find_child(entry.path.split("/")[0])
                for part in entry.path.split("/")[1:]:
                    construct = construct and construct.node.try_find_child(part)
                if construct:
                    acknowledgment = cdk.Acknowledgment(id=entry.finding, reason=entry.reason)
                    cdk.Validations.of(construct).acknowledge(acknowledgment)


def _is_nag(entry: Accepted) -> bool:
    return not entry.finding.startswith("H-")
