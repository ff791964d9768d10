"""iris_forest: an environment behind a load balancer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.stacks.conftest import Deployed, deployed_on_this_machine, project_with


@pytest.fixture(scope="session")
def forest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    project = project_with(tmp_path_factory.mktemp("forest"), "iris_forest")
    with deployed_on_this_machine(project, direct=True) as found:
        yield found
