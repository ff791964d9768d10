"""The shared stack of a stage, as jobs need it: the bucket, the role, the key."""

from __future__ import annotations

from slipway.aws import Aws
from slipway.deployment import deploy
from slipway.errors import NotDeployed
from slipway.project import Project
from slipway.story import Story
from stacks.settings import NO_MODELS
from training.sagemaker.place import Place

_POLL_LOCAL_S, _POLL_S = 0.25, 5.0
# Between here and the embedded AWS there is no network to come back: where nobody answers, it was stopped.
_PATIENCE_LOCAL_S, _PATIENCE_S = 10.0, 240.0


def place_of(aws: Aws) -> Place:
    """Return where a stage's jobs run.

    Raises:
        NotDeployed: the shared stack is not there, or is older than jobs are.
    """
    fix = f"slipway deploy --shared{'' if aws.stage.name == 'local' else f' --stage {aws.stage.name}'}"
    try:
        outputs = aws.outputs()
        return Place(
            session=aws.bound(),
            region=str(aws.session.region_name),
            stage=aws.stage.name,
            bucket=outputs["BucketName"],
            role_arn=outputs["TrainingRoleArn"],
            key_arn=outputs.get("KeyArn"),
            poll_s=_POLL_LOCAL_S if aws.endpoint_url else _POLL_S,
            patience_s=_PATIENCE_LOCAL_S if aws.endpoint_url else _PATIENCE_S,
        )
    except NotDeployed as error:
        raise NotDeployed(error.what, why=error.why, fix=f"Run: {fix}") from None
    except KeyError as error:
        raise NotDeployed(
            f"The shared stack of {aws.stage.name} has no output {error.args[0]}.",
            why="It was deployed by an older Slipway.",
            fix=f"Run: {fix}",
        ) from None


def place_to_train(project: Project, aws: Aws, story: Story) -> Place:
    """Return where a stage's jobs run; on this machine the shared stack is deployed first if it has to be.

    Raises:
        NotDeployed: as place_of does, on AWS.
    """
    try:
        return place_of(aws)
    except NotDeployed:
        if aws.stage.name != "local":
            raise
    deploy(project, aws, (), {"stage": aws.stage.name, "models": NO_MODELS}, story, direct=True)
    return place_of(aws)
