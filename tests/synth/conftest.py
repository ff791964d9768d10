"""Templates, made once a session and without the validation of CDK itself: it takes seconds a synth."""

from __future__ import annotations

import os

import pytest

# CDK's kernel takes its environment when aws_cdk is first imported; nothing else has to see the variable.
_before = os.environ.get("CDK_VALIDATION")
os.environ["CDK_VALIDATION"] = "false"
from tests.synth.harness import MODELS, Templates, golden_templates, make_project  # noqa: E402

if _before is None:
    del os.environ["CDK_VALIDATION"]
else:
    os.environ["CDK_VALIDATION"] = _before


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Templates]:
    """The templates of iris and digits, by stage and stack; and those of digits' variations."""
    return golden_templates(make_project(tmp_path_factory.mktemp("project"), *MODELS))


@pytest.fixture(scope="session")
def prod(templates: dict[str, Templates]) -> Templates:
    return templates["prod"]


@pytest.fixture(scope="session")
def dev(templates: dict[str, Templates]) -> Templates:
    return templates["dev"]
