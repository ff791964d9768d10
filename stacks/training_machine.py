"""The state machine that trains and registers a better model: Amazon States Language, JSONata, no Lambda.

`${Name}` in a definition is a value that is known only at deploy: CloudFormation fills it in
(DefinitionSubstitutions). Plain data: nothing here imports CDK. Source: "Integrate SageMaker AI with Step
Functions" in its developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stacks.expressions import BUCKET, given_or, in_bucket, joined, unique_job_name
from stacks.metrics import LOWER_IS_BETTER
from stacks.settings import ModelSettings, StageName
from stacks.storage import (
    CODE_FILE,
    JOBS,
    TRAIN,
    VALIDATION,
    checkpoints_prefix,
    code_key,
    data_prefix,
    uri,
)
from stacks.training_job import TrainingPlaces, is_algorithm, training_job_request, training_metrics

_DIGITS = 6  # of the numbers in a cause
# SageMaker keeps metrics in single precision, and manifests their six digits: less than this share is no
# difference.
_SAME = 1e-5


def training_machine(
    stage: StageName,
    model: ModelSettings,
    *,
    tags: Mapping[str, str],
    with_key: bool,
    in_service: Mapping[str, float],
) -> dict[str, Any]:
    """Return the machine that trains, compares and registers.

    Its input is {"train": "s3://…/", "validation": "s3://…/"}, or {}: what was trained on last. It ends
    without registering where the job fails, a metric is outside the gate, or not better than in service.

    Args:
        stage: local, dev or prod.
        model: the settings.
        tags: of the jobs.
        with_key: whether there is a key of the person's for what jobs write.
        in_service: what the champion's own training measured, by the job's names; may lack any.
    """
    request = training_job_request(
        model,
        TrainingPlaces(
            job_name="{% $job %}",
            image_uri="${TrainingImage}",
            role_arn="${TrainingRoleArn}",
            train="{% $train %}",
            validation="{% $validation %}",
            code=in_bucket(code_key("$job").removesuffix(CODE_FILE)),
            output=uri(BUCKET, JOBS),
            checkpoints=in_bucket(checkpoints_prefix("$job")),
            region="${Region}",
            key_arn="${KeyArn}" if with_key else None,
        ),
        tags,
    )
    begin = {
        "Type": "Pass",
        "Assign": {
            "job": unique_job_name(stage, model.name),
            **{
                channel: given_or(channel, uri(BUCKET, data_prefix(model.name, channel)))
                for channel in (TRAIN, VALIDATION)
            },
        },
        "Next": "Train" if is_algorithm(model) else "CopyScript",
    }
    copy_script = {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::aws-sdk:s3:copyObject",
        "Arguments": {
            "Bucket": BUCKET,
            "CopySource": "${CodeBucket}/${CodeKey}",
            "Key": joined(code_key("$job")),
        },
        "Next": "Train",
    }
    train = {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::sagemaker:createTrainingJob.sync",
        "Arguments": request,
        "Assign": {
            "archive": "{% $states.result.ModelArtifacts.S3ModelArtifacts %}",
            # [{MetricName, Value}, …] as one object; a job that measured nothing has no list.
            "measured": "{% $merge($append([{}], $states.result.FinalMetricDataList.{MetricName: Value})) %}",
        },
        "Next": "Compare",
    }
    rules = _rules(model, in_service)
    return {
        "Comment": f"Train {model.name}, and register it where it is better",
        "QueryLanguage": "JSONata",
        "StartAt": "Begin",
        "States": {
            "Begin": begin,
            **({} if is_algorithm(model) else {"CopyScript": copy_script}),
            "Train": train,
            # A Choice needs a rule; a model that measures nothing is registered for a person to judge.
            "Compare": {"Type": "Choice", "Choices": rules, "Default": "Register"}
            if rules
            else {"Type": "Pass", "Next": "Register"},
            **{
                name: {"Type": "Fail", "Error": name, "Cause": "{% $reason %}"}
                for name in sorted({rule["Next"] for rule in rules})
            },
            "Register": _register(model),
        },
    }


def _rules(model: ModelSettings, in_service: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return what speaks against a trained model, in order: the first that holds ends the execution."""
    measured = training_metrics(model)
    bounds = {name: bound for name, bound in model.gate.bounds().items() if name in measured}
    # One metric says which of two models is better: the first of the gate's that the job measures.
    deciding = next(iter(bounds), next(iter(measured), None))
    rules = [
        _rule(f"$not($exists({_value(measured[name])}))", "MetricMissing", measured[name], None)
        for name in dict.fromkeys([*bounds, *([deciding] if deciding else [])])
    ]
    for name, bound in bounds.items():
        lower = name in LOWER_IS_BETTER
        rules.append(
            _rule(
                f"{_value(measured[name])} {'>' if lower else '<'} {bound!r}",
                "OutsideGate",
                measured[name],
                f"the gate asks for at {'most' if lower else 'least'} {_number(bound)}",
            )
        )
    if deciding is not None and measured[deciding] in in_service:
        served, lower = in_service[measured[deciding]], deciding in LOWER_IS_BETTER
        margin = abs(served) * _SAME
        least = served - margin if lower else served + margin
        rules.append(
            _rule(
                f"{_value(measured[deciding])} {'>=' if lower else '<='} {least:.9g}",
                "NotBetter",
                measured[deciding],
                f"the model in service has {_number(served)}",
            )
        )
    return rules


def _rule(condition: str, error: str, metric: str, against: str | None) -> dict[str, Any]:
    told = f"'{metric} is ' & $string($round({_value(metric)}, {_DIGITS})) & ', {against}'"
    if against is None:
        told = f"'the training job measured no {metric}'"
    return {"Condition": f"{{% {condition} %}}", "Assign": {"reason": f"{{% {told} %}}"}, "Next": error}


def _register(model: ModelSettings) -> dict[str, Any]:
    content = ["text/csv"] if is_algorithm(model) else ["text/csv", "application/json"]
    return {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::aws-sdk:sagemaker:createModelPackage",
        "Arguments": {
            "ModelPackageGroupName": "${ModelPackageGroupName}",
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [{"Image": "${TrainingImage}", "ModelDataUrl": "{% $archive %}"}],
                "SupportedContentTypes": content,
                "SupportedResponseMIMETypes": content,
            },
            "CustomerMetadataProperties": "{% $merge($append([{'training-job': $job}], "
            "$each($measured, function($value, $name) { {$name: $string($value)} }))) %}",
        },
        "Output": {
            "ModelPackageArn": "{% $states.result.ModelPackageArn %}",
            "TrainingJobName": "{% $job %}",
            "Metrics": "{% $measured %}",
        },
        "End": True,
    }


def _value(metric: str) -> str:
    return f"$lookup($measured, '{metric}')"


def _number(value: float) -> str:
    return f"{round(value, _DIGITS):.{_DIGITS}f}".rstrip("0").rstrip(".")
