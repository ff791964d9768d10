"""Three models behind endpoints, deployed once with the real CDK CLI."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from slipway.project import Project
from tests.local.stacks.conftest import (
    Deployed,
    add_models_of_ones_own,
    deployed_on_this_machine,
    make_project,
)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("project"))
    add_models_of_ones_own(project.root)
    return project


@pytest.fixture(scope="session")
def deployed(project: Project) -> Iterator[Deployed]:
    with deployed_on_this_machine(project, direct=False) as found:
        yield found
