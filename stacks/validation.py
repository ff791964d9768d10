"""The checks that run at synth."""

from __future__ import annotations

import aws_cdk as cdk

from stacks.settings import StageSettings


def add_checks(app: cdk.App, stage: StageSettings) -> None:
    """Add the house rules to a synth."""
