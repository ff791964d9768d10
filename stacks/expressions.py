"""Parts of state machines' definitions that several have: JSONata between {% and %}, and names of jobs.

Source: "Transforming data with JSONata" in the Step Functions developer guide.
"""

from __future__ import annotations

from stacks.settings import StageName, stack_name
from stacks.storage import uri

# Filled in by CloudFormation.
BUCKET = "${Bucket}"
# What makes a job's name unique; SageMaker allows 63 characters and slipway-<stage>-<model>- takes up to 53.
JOB_SUFFIX = 10


def job_name_prefix(stage: StageName, model: str) -> str:
    """Return what the names of a model's jobs begin with; JOB_SUFFIX hex digits follow."""
    return f"{stack_name(stage, model)}-"


def any_job_name(stage: StageName, model: str) -> str:
    """Return the names of a model's jobs for IAM. A ? is one character: `iris` is not `iris-forest`."""
    return job_name_prefix(stage, model) + "?" * JOB_SUFFIX


def unique_job_name(stage: StageName, model: str) -> str:
    """Return the expression for the name of an execution's job."""
    digits = f"$substring($hash($states.context.Execution.Id, 'SHA-256'), 0, {JOB_SUFFIX})"
    return f"{{% '{job_name_prefix(stage, model)}' & {digits} %}}"


def given_or(member: str, default: str) -> str:
    """Return the expression for a member of the execution's input, or for a text where it is left out."""
    given = f"$states.input.{member}"
    return f"{{% $exists({given}) ? {given} : '{default}' %}}"


def in_bucket(key: str) -> str:
    """Return the expression for s3://bucket/key, where one part of the key is a variable such as $job."""
    return joined(uri(BUCKET, key))


def joined(text: str) -> str:
    """Return the expression for a text in which one part, from the last $ to a slash, is a variable."""
    before, dollar, rest = text.rpartition("$")
    variable, slash, after = rest.partition("/")
    return f"{{% '{before}' & {dollar}{variable} & '{slash}{after}' %}}"
