"""Few examples while working, many in CI, very many at night: `make fuzz`."""

import os

import pytest
from hypothesis import settings

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=500, deadline=None)
settings.register_profile("nightly", max_examples=15_000, deadline=None)
settings.load_profile(os.environ.get("SLIPWAY_FUZZ") or ("ci" if os.environ.get("CI") else "dev"))

BODIES = pytest.StashKey[list[bytes]]()


def pytest_configure(config):
    config.stash[BODIES] = [0]


@pytest.fixture(scope="session")
def bodies(request):
    """A counter of the bodies that went through a parser."""
    return request.config.stash[BODIES]


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[BODIES][0]:
        terminalreporter.write_line(f"{config.stash[BODIES][0]} bodies went through the parsers")
