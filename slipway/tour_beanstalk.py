"""The demo's environment on Elastic Beanstalk: a second one takes its place while requests come in."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from client import Client, ClientError
from slipway.aws import Aws
from slipway.deployment import deploy
from slipway.environment_story import tell_environment
from slipway.errors import DeployFailed
from slipway.project import Project
from slipway.story import Story
from slipway.verify import Replay, client_for
from stacks.settings import ModelSettings, load_settings
from training.artifact import load_artifact

_CALLERS = 2


@dataclass
class _Asked:
    """Requests that were sent until something was over."""

    answered: int = 0
    failures: list[str] = field(default_factory=list)


def show_environment(project: Project, aws: Aws, model: ModelSettings, story: Story) -> dict[str, Replay]:
    """Tell an environment's address, and deploy the same model once more with --swap, under requests.

    Returns:
        What the golden rows showed through the second environment, by the variant.

    Raises:
        DeployFailed: the swap failed, or a request did meanwhile.
    """
    tell_environment(project, aws, model, story)
    context = {"models": model.name}
    models = load_settings(project.root, {**context, "stage": "local"}).models
    over = threading.Event()
    client = client_for(aws, model.name)
    row = load_artifact(project.root, model.name, model.serve.version).manifest["golden"]["rows"][0]
    body = client.wire.encode([row])
    with ThreadPoolExecutor(_CALLERS) as callers:
        asking = [callers.submit(_ask_until, over, client, body) for _ in range(_CALLERS)]
        try:
            replays = deploy(project, aws, models, context, story, direct=True, swap=True)[model.name]
        finally:
            over.set()
        asked = [future.result() for future in asking]
    failures = [failure for each in asked for failure in each.failures]
    answered = sum(each.answered for each in asked)
    if failures:
        sent = answered + len(failures)
        raise DeployFailed(
            f"{len(failures)} of {sent} requests to {model.name} failed during a swap.", why=failures[0]
        )
    story.say(f"         {answered} requests during the swap, and none failed")
    return {f"{name}, swapped": replay for name, replay in replays.items()}


def _ask_until(over: threading.Event, client: Client, body: bytes) -> _Asked:
    asked, kind = _Asked(), client.wire.content_type
    while not over.is_set():
        try:
            client.answer(body, kind, kind)
            asked.answered += 1
        except ClientError as error:
            asked.failures.append(f"{type(error).__name__}: {error}")
    return asked
