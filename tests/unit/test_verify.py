"""What a deploy makes of the answers to golden rows."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from client import Client
from client.doors import Answer
from slipway.errors import GoldenMismatch, NotDeployed
from slipway.verify import Replay, client_for, replay_golden_rows

VERSION = "0123456789ab"


class Door:
    """A door behind which every request has the same answer."""

    name = "a door"

    def __init__(self, content: object) -> None:
        self._content = json.dumps(content) if not isinstance(content, str) else content

    def invoke(self, body: bytes, content_type: str, accept: str, variant: str | None = None) -> Answer:
        return Answer(self._content.encode(), None, VERSION)


def replayed(content: object, *, hooks: bool) -> Replay:
    golden = {"rows": [[1.0], [2.0]], "predictions": [10.0, 20.0]}
    manifest = {"golden": golden, "hooks": hooks, "engine": {}}
    artifact = SimpleNamespace(model="flats", version=VERSION, manifest=manifest)
    return replay_golden_rows(Client("flats", Door(content), VERSION), artifact, latency_calls=1)


def test_answers_as_in_training_agree():
    assert replayed([10.0, 20.0], hooks=False).agreement == 1.0


@pytest.mark.parametrize("content", [[10.0, 21.0], [10.0], {"result": [10.0, 20.0]}, "10 20"])
def test_other_answers_fail_a_deploy(content):
    with pytest.raises(GoldenMismatch, match="of 2 golden rows"):
        replayed(content, hooks=False)


@pytest.mark.parametrize(
    ("content", "agreement"), [([10.0, "21"], 0.5), ({"result": [10.0, 20.0]}, 0.0), ("10 20", 0.0)]
)
def test_an_inference_of_a_persons_own_may_answer_otherwise(content, agreement):
    assert replayed(content, hooks=True).agreement == agreement


class NoParameters:
    """A session with an account in which nothing is deployed."""

    region_name = "us-east-1"

    def client(self, service: str, endpoint_url: str | None = None) -> NoParameters:
        return self

    def get_parameters(self, Names: list[str]) -> dict[str, list[object]]:  # noqa: N803 - AWS's name
        return {"Parameters": []}


@pytest.mark.parametrize(
    ("stage", "told"), [("local", "deploy flats"), ("prod", "deploy flats --stage prod")]
)
def test_who_asks_a_model_that_is_not_deployed_is_told_how_it_is(stage: str, told: str):
    aws = SimpleNamespace(stage=SimpleNamespace(name=stage), session=NoParameters(), endpoint_url=None)
    with pytest.raises(NotDeployed) as failure:
        client_for(aws, "flats")
    assert failure.value.fix == f"Run: slipway {told}"
