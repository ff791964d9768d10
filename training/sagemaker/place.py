"""Where jobs run: one stage's SageMaker, with its bucket, role and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3


@dataclass(frozen=True)
class Place:
    """One stage as its jobs see it.

    Args:
        session: every client that is made of it, by whom ever, asks this stage's AWS.
        region: the stage's.
        stage: local, dev or prod.
        bucket: of data and results.
        role_arn: what a training job runs as.
        key_arn: encrypts what a job writes; None where the stage has no key of its own.
        poll_s: how often a running job is asked for news, in seconds.
        patience_s: how long to go on asking where nobody answers, in seconds.
    """

    session: boto3.Session
    region: str
    stage: str
    bucket: str
    role_arn: str
    key_arn: str | None = None
    poll_s: float = 5.0
    patience_s: float = 240.0

    def client(self, service: str) -> Any:
        """Return a boto3 client of this stage."""
        return self.session.client(service)

    def tags(self, model: str) -> dict[str, str]:
        """Return the tags of a model's jobs: those of its stack's resources."""
        return {"Project": "slipway", "Stage": self.stage, "Model": model}

    def option(self, model: str) -> str:
        """Return the arguments with which a verb finds a model's jobs again."""
        return model if self.stage == "local" else f"{model} --stage {self.stage}"
