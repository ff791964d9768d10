"""Functions as processes: what they see, how they are started, kept and ended, and what their logs say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.conftest import Boto
from tests.local.functions_toy import FunctionsToy


@pytest.fixture(scope="module")
def functions(boto: Boto) -> Iterator[FunctionsToy]:
    toy = FunctionsToy(boto)
    yield toy
    toy.remove()


@pytest.fixture(scope="module")
def plain(functions: FunctionsToy) -> str:
    return functions.create("plain", Environment={"Variables": {"OWN": "own value"}})


def test_a_zip_runs_in_the_environment_that_its_layer_was_made_from(
    functions: FunctionsToy, plain: str
) -> None:
    told = functions.ask(plain, {"a": "ü"})

    print(told)
    assert told.error is None
    assert told.payload["event"] == {"a": "ü"}
    assert told.payload["six"] == "1.17.0"
