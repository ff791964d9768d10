"""The start of the embedded AWS, on cores that nothing else uses."""

from __future__ import annotations

import time
from pathlib import Path

from localaws.control import LocalAws
from localaws.environments import SERVER, ensure_environment
from tests.local.conftest import free_port


def test_the_first_answer_comes_within_two_seconds(own_root: Path) -> None:
    local = LocalAws(own_root)
    ensure_environment(SERVER, local.state.envs)

    started = time.monotonic()
    local.start(free_port())
    taken = time.monotonic() - started

    local.stop()
    assert taken < 2
