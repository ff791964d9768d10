"""Checks of state machines, of functions, and of who may give roles away."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.template_reading import Hit, Template, granted, listed, resources


def unobserved_state_machines(template: Template) -> Iterator[Hit]:
    """Yield state machines that log too little or too much, or are not traced."""
    for name, resource in resources(template, "AWS::StepFunctions::StateMachine"):
        properties = resource["Properties"]
        logging = properties.get("LoggingConfiguration", {})
        if logging.get("Level") != "ALL" or not logging.get("Destinations"):
            yield name, "log"
        if logging.get("IncludeExecutionData") is not False:
            yield name, "data"
        if properties.get("TracingConfiguration") != {"Enabled": True}:
            yield name, "tracing"


def functions_without_log_group(template: Template) -> Iterator[Hit]:
    """Yield functions whose log group is not of the stack: Lambda makes one then, and it stays for ever."""
    groups = dict(resources(template, "AWS::Logs::LogGroup"))
    for name, resource in resources(template, "AWS::Lambda::Function"):
        group = resource["Properties"].get("LoggingConfig", {}).get("LogGroup", {})
        if not isinstance(group, dict) or group.get("Ref") not in groups:
            yield name, ""


def roles_passed_to_anybody(template: Template) -> Iterator[Hit]:
    """Yield rights to pass a role on that do not say to which service."""
    for name, statement in granted(template):
        condition = statement.get("Condition", {}).get("StringEquals", {})
        if "iam:PassRole" in listed(statement.get("Action")) and "iam:PassedToService" not in condition:
            yield name, ""
