"""wine: a function behind an API that takes many requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.stacks.conftest import Deployed, deployed_on_this_machine, project_with


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    project = project_with(tmp_path_factory.mktemp("wine"), "wine")
    with (project.root / "model_code" / "wine" / "model.toml").open("a") as settings:
        settings.write("throttle_rate = 10000\nthrottle_burst = 5000\n")
    with deployed_on_this_machine(project, direct=True) as found:
        yield found
