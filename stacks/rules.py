"""The house rules: what must hold for every template, as pure functions of a template.

cdk-nag has no rule for SageMaker models and endpoints, and none on what a stack leaves behind. These run at
every synth (stacks/validation.py) and in the tests; what stays on purpose is in stacks/accepted.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from stacks import api_checks, function_checks, general_checks, pipeline_checks, serving_checks
from stacks.environment_rules import OF_ENVIRONMENTS
from stacks.house_rule import Rule
from stacks.template_reading import Template


@dataclass(frozen=True)
class Finding:
    """A resource that breaks a rule."""

    rule: str
    """The exact id: H-03[ecr:GetAuthorizationToken]."""
    resource: str
    """The logical id, or the name of an output."""
    message: str
    fix: str


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


RULES: tuple[Rule, ...] = (
    Rule(
        "H-01",
        "Nobody decided what happens to this resource when the stack is destroyed.",
        "Call apply_removal_policy, or add its type to HOLDS_NOTHING with a reason.",
        general_checks.undecided_deletion,
    ),
    Rule(
        "H-02", "A policy allows actions by wildcard.", "Name the actions.", general_checks.wildcard_actions
    ),
    Rule(
        "H-03",
        "A policy allows actions on resources by wildcard.",
        "Name the ARNs.",
        general_checks.wildcard_resources,
    ),
    Rule(
        "H-04",
        "A name is fixed, so a changed model cannot be deployed: CloudFormation makes the new one first.",
        "Leave the name to CloudFormation.",
        serving_checks.fixed_names,
    ),
    Rule(
        "H-05",
        "The model's container can reach the network.",
        "Remove requirements.txt or s3_prefixes, or accept it in stacks/accepted.py.",
        serving_checks.network_open,
        prod_only=True,
    ),
    Rule(
        "H-06",
        "The model has no execution role.",
        "Set execution_role_arn.",
        serving_checks.no_execution_role,
    ),
    Rule(
        "H-07",
        "A service may act on behalf of any account.",
        "Add a condition on aws:SourceAccount and aws:SourceArn.",
        general_checks.confused_deputies,
    ),
    Rule(
        "H-08",
        "The endpoint has no log group of its own to wait for, or lacks an alarm by its name.",
        "Add EndpointLogs and EndpointAlarms.",
        serving_checks.unwatched_endpoints,
    ),
    Rule(
        "H-09",
        "An endpoint of prod has fewer than two instances, so one broken machine is an outage.",
        "Set instance_count = 2 or more.",
        serving_checks.too_few_instances,
        prod_only=True,
    ),
    Rule(
        "H-10",
        "Data of prod is encrypted without a key of yours.",
        'Set encryption = "kms" in stages.toml; machines with local disks take no key: use all such or none.',
        serving_checks.no_key,
        prod_only=True,
    ),
    Rule(
        "H-11",
        "This looks like a secret in the template.",
        "Keep it in Secrets Manager.",
        general_checks.secrets,
    ),
    Rule(
        "H-12",
        "A policy allows something to everybody.",
        "Name the principals.",
        general_checks.open_to_everybody,
    ),
    Rule(
        "H-13",
        "An output is exported; while another stack imports it, it can be neither changed nor removed.",
        "Publish it as an SSM parameter.",
        general_checks.exports,
    ),
    Rule(
        "H-14",
        "The image is named by a tag that may be another image tomorrow.",
        "Name it by a digest, or by a tag that is a hash of what it is built from.",
        serving_checks.movable_images,
    ),
    Rule(
        "H-15",
        "A repository of images is not scanned, can be overwritten, grows for ever or outlives the stack.",
        "Use ImageRepository.",
        serving_checks.unsafe_repositories,
    ),
    Rule(
        "H-16",
        "AWS refuses it: a shadow stands beside one variant; a serverless variant is alone, without a key, "
        "machines or network isolation.",
        "Say it in model.toml: synth writes what AWS takes.",
        serving_checks.refused_combinations,
    ),
    Rule(
        "H-17",
        "A state machine does not log every step, logs the data that goes through it, or is not traced.",
        "Use StateMachine.",
        pipeline_checks.unobserved_state_machines,
    ),
    Rule(
        "H-18",
        "A function's log group is none of the stack's, so it never expires and outlives the stack.",
        "Declare a LogGroup and name it in LoggingConfig.",
        pipeline_checks.functions_without_log_group,
    ),
    Rule(
        "H-19",
        "A role may be passed to any service.",
        "Add a condition on iam:PassedToService.",
        pipeline_checks.roles_passed_to_anybody,
    ),
    Rule(
        "H-20",
        "A function may make log groups, so a late line brings its group back after the stack is gone.",
        "Allow logs:CreateLogStream and logs:PutLogEvents on the stack's own group, and no more.",
        function_checks.makers_of_log_groups,
    ),
    Rule(
        "H-21",
        "Requests reach a version of a function before golden rows were asked of it.",
        "Make the alias depend on a GoldenCheck of its version.",
        function_checks.unchecked_aliases,
    ),
    Rule(
        "H-22",
        "An API calls a function itself, which changes while requests come, and not an alias.",
        "Give LambdaBackend the alias.",
        function_checks.moving_integrations,
    ),
    Rule(
        "H-23",
        "A version of a function goes when the next one comes, so there is none to go back to, or stays when "
        "its own deploy failed, and no deploy can make it again.",
        "Set removal_policy = RETAIN_ON_UPDATE_OR_DELETE; all versions go with the function.",
        function_checks.vanishing_versions,
    ),
    Rule(
        "H-24",
        "A function has an address of its own, which goes around the API's limits, checks and log.",
        "Remove it.",
        function_checks.function_addresses,
    ),
    Rule(
        "H-30",
        "Everybody may call this method.",
        'Ask for a signature or a key, or say auth = "none" in model.toml.',
        api_checks.open_methods,
    ),
    Rule(
        "H-31",
        "Pages of every web site may read the API's answers.",
        "Name the sites in cors_origins.",
        api_checks.origins_by_wildcard,
    ),
    Rule(
        "H-32",
        "An API does not log its requests, logs what callers send, or is not traced.",
        "Use ModelApi.",
        api_checks.unlogged_stages,
    ),
    Rule(
        "H-33",
        "A method takes every JSON body.",
        "Give it a request validator, and a model for application/json.",
        api_checks.unvalidated_methods,
    ),
    Rule(
        "H-34",
        "API Gateway answers some errors in another shape than the model does.",
        "Use GatewayErrors.",
        api_checks.other_error_shapes,
    ),
    *OF_ENVIRONMENTS,
)
