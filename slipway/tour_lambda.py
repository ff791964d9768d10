"""The demo's doors over HTTPS: an API before an endpoint, and a function from a zip and from an image."""

from __future__ import annotations

from collections.abc import Sequence

from localaws.images.engine import find_engine
from slipway.api_story import tell_api
from slipway.aws import Aws
from slipway.deployment import deploy
from slipway.project import Project
from slipway.story import Story
from slipway.verify import Replay
from stacks.settings import ModelSettings, load_settings


def front_doors(models: Sequence[ModelSettings]) -> dict[str, str]:
    """Return the overrides that put an API in front of the first endpoint of AWS's own scikit-learn image."""
    for model in models:
        if model.serve.target == "sagemaker" and model.serve.image == "sklearn":
            return {f"{model.name}.serve.front_door": "true"}
    return {}


def show_function(project: Project, aws: Aws, model: ModelSettings, story: Story) -> dict[str, Replay]:
    """Tell a function's API, and deploy the same model once more as a container image where one can be built.

    Returns:
        What the golden rows showed through the image's door, by the variant; nothing without an engine.
    """
    tell_api(project, aws, model, story)
    if model.serve.resolved_package == "image" or model.serve.snap_start:  # a snapshot is of a zip file
        return {}
    if find_engine() is None:
        story.say(f"         no podman or docker here: {model.name} is shown from its zip file alone")
        return {}
    context = {"models": model.name, f"{model.name}.serve.package": "image"}
    again = load_settings(project.root, {**context, "stage": "local"}).models
    story.say(f"         {model.name} again, from a container image:")
    replays = deploy(project, aws, again, context, story, direct=True)[model.name]
    return {f"{name}, image": replay for name, replay in replays.items()}
