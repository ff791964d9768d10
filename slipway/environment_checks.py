"""After a deploy to Elastic Beanstalk: does the environment answer, and as training did?"""

from __future__ import annotations

from client import Unavailable
from slipway.arrival import await_version
from slipway.aws import Aws
from slipway.environments import check_environment
from slipway.story import Story
from slipway.verify import CHAMPION, Replay, client_for, replay_golden_rows
from stacks.settings import ModelSettings
from training.artifact import Artifact


def verified_environment(
    aws: Aws, model: ModelSettings, artifact: Artifact, story: Story
) -> dict[str, Replay]:
    """Check what a model's environment runs, and replay the golden rows through its address.

    Returns:
        What they showed; nothing for an internal load balancer that cannot be reached from here.

    Raises:
        SilentRollback: as check_environment does.
        GoldenMismatch: as replay_golden_rows does.
        DeployFailed: another version answers.
        Unavailable: nobody answers.
    """
    check_environment(aws, model.name)
    client = client_for(aws, model.name)
    try:
        # A container of a person's own says no version, and need not have /openapi.json.
        if not (model.folder / "Dockerfile").is_file():
            with story.step(f"wait until {model.name} answers with {artifact.version}"):
                await_version(aws, client, artifact.version)
        with story.step(f"replay the golden rows of {model.name} {artifact.version} ({CHAMPION})"):
            return {CHAMPION: replay_golden_rows(client, artifact)}
    except Unavailable:
        if not model.serve.internal:
            raise
        story.say(
            f"{model.name} is in its VPC alone and cannot be reached from here: no golden row was asked"
        )
        return {}
