"""What a deploy tells of an API: where it is, how to ask it, what it costs."""

from __future__ import annotations

from slipway.aws import Aws
from slipway.curl_line import curl_line
from slipway.prices import cost, told
from slipway.project import Project
from slipway.story import Story
from stacks.settings import ModelSettings
from training.artifact import load_artifact


def tell_api(project: Project, aws: Aws, model: ModelSettings, story: Story) -> None:
    """Tell a deployed API's address, a line for the shell that asks it, and what requests cost."""
    outputs = aws.outputs(model.name)
    artifact = load_artifact(project.root, model.name, model.serve.resolved_variants()[0].version)
    line = curl_line(
        outputs,
        str(aws.session.region_name),
        artifact.manifest["golden"]["rows"][0],
        classifies=model.serve.on_lambda and model.model.task == "classification",
        local=aws.stage.name == "local",
    )
    story.say(
        f"\n{model.name} answers at {outputs['ApiUrl']} for {_CALLERS[outputs['ApiAuth']]}; ask it:\n{line}"
    )
    if model.serve.on_lambda:
        story.say("\n".join(told(cost(model, aws.stage))))


_CALLERS = {
    "iam": "callers that IAM lets (execute-api:Invoke)",
    "api_key": "callers with an API key",
    "none": "everybody who reaches it",
}
