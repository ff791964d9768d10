"""The state machine that transforms files with a model: Amazon States Language, JSONata, no Lambda.

`${Name}` in a definition is a value that is known only at deploy: CloudFormation fills it in
(DefinitionSubstitutions). Plain data: nothing here imports CDK. Source: "Integrate SageMaker AI with Step
Functions" in its developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stacks.expressions import BUCKET, given_or, in_bucket, unique_job_name
from stacks.settings import ModelSettings, StageName
from stacks.storage import CURRENT, batch_input, batch_output, uri
from stacks.transform_job import TransformPlaces, transform_job_request


def batch_machine(
    stage: StageName, model: ModelSettings, *, tags: Mapping[str, str], with_key: bool
) -> dict[str, Any]:
    """Return the machine that transforms files.

    Its input is {"input": "s3://…/"}, or {}: batch/<model>/input/. Output goes below batch/<model>/output/,
    in a folder with the execution's name.

    Args:
        stage: local, dev or prod.
        model: the settings.
        tags: of the jobs.
        with_key: whether there is a key of the person's for what jobs write.
    """
    request = transform_job_request(
        model.batch,
        TransformPlaces(
            job_name="{% $job %}",
            model_name="${ModelName}",
            input="{% $input %}",
            output="{% $output %}",
            key_arn="${KeyArn}" if with_key else None,
        ),
        tags,
    )
    return {
        "Comment": f"Predict with {model.name} for files",
        "QueryLanguage": "JSONata",
        "StartAt": "Begin",
        "States": {
            "Begin": {
                "Type": "Pass",
                "Assign": {
                    "job": unique_job_name(stage, model.name),
                    "input": given_or("input", uri(BUCKET, batch_input(model.name, CURRENT))),
                    "output": in_bucket(batch_output(model.name, "$states.context.Execution.Name")),
                },
                "Next": "Transform",
            },
            "Transform": {
                "Type": "Task",
                "Resource": "arn:${Partition}:states:::sagemaker:createTransformJob.sync",
                "Arguments": request,
                "Output": {
                    "TransformJobName": "{% $job %}",
                    "input": "{% $input %}",
                    "output": "{% $output %}",
                },
                "End": True,
            },
        },
    }
