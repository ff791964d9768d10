"""Locked environments: built once, whole or not at all."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.environments import RECIPES, SERVER, Recipe, ensure_environment
from localaws.errors import EnvironmentBuildError


@pytest.fixture
def tiny(tmp_path: Path) -> Recipe:
    """A recipe of one small package, pinned as the server's own is."""
    lines = SERVER.requirements.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("six=="))
    end = next(number for number in range(start + 1, len(lines)) if not lines[number].startswith(" "))
    pinned = tmp_path / "requirements.txt"
    pinned.write_text("\n".join(lines[start:end]) + "\n")
    return Recipe("tiny", pinned)


def imports_six(environment: Path) -> bool:
    return subprocess.run([environment / "bin" / "python", "-c", "import six"], check=False).returncode == 0


def test_an_environment_is_built_once(tiny: Recipe, tmp_path: Path) -> None:
    progress: list[str] = []

    first = ensure_environment(tiny, tmp_path / "envs", progress=progress.append)
    second = ensure_environment(tiny, tmp_path / "envs", progress=progress.append)

    assert first == second
    assert len(progress) == 1
    assert imports_six(first)


def test_what_a_killed_build_left_is_removed_and_built_again(tiny: Recipe, tmp_path: Path) -> None:
    leftover = tmp_path / "envs" / ".building-tiny-0123456789ab"
    leftover.mkdir(parents=True)
    (leftover / "half").write_text("")

    environment = ensure_environment(tiny, tmp_path / "envs")

    assert imports_six(environment)
    assert not leftover.exists()


def test_two_builders_at_once_make_one_environment(tiny: Recipe, tmp_path: Path) -> None:
    progress: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        built = list(
            pool.map(
                lambda _: ensure_environment(tiny, tmp_path / "envs", progress=progress.append), range(2)
            )
        )

    assert built[0] == built[1]
    assert len(progress) == 1


def test_a_wrong_hash_fails_with_the_reason_and_leaves_no_environment(tiny: Recipe, tmp_path: Path) -> None:
    tiny.requirements.write_text("six==1.17.0 --hash=sha256:" + "0" * 64 + "\n")

    with pytest.raises(EnvironmentBuildError) as error:
        ensure_environment(tiny, tmp_path / "envs")

    assert "hash" in error.value.why.lower()
    assert not list((tmp_path / "envs").glob("tiny-*"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_requirement_is_pinned_by_hash_and_names_no_host(recipe: Recipe) -> None:
    text = recipe.requirements.read_text()

    assert "://" not in text
    assert "--find-links" not in text
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            assert "==" in line
            assert line.endswith("\\")
