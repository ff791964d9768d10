"""Chromium where it is installed, and the reports of the example models."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stacks.settings import load_model, model_names
from training.import_model import import_model
from training.report import write_report
from training.train import train

from .chromium import NAMES, Chromium, find

ROOT = Path(__file__).parents[2]
EXAMPLES = model_names(ROOT)
# One more, of two classes, because only such a page has a script.
TWO_CLASSES = "cancer"


@dataclass(frozen=True)
class Written:
    """A report and the manifests that it was made from."""

    address: str
    manifests: dict[str, Any]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    program = find()
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (Debian: apt-get install chromium)")
    with Chromium(program) as browser:
        yield browser


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Written]:
    """The report of each example, packaged in a copy of the project."""
    root = tmp_path_factory.mktemp("reports")
    shutil.copy(ROOT / "stages.toml", root)
    shutil.copytree(
        ROOT / "model_code", root / "model_code", ignore=shutil.ignore_patterns("__pycache__", "card.toml")
    )
    folder = root / "model_code" / TWO_CLASSES
    shutil.copytree(root / "model_code" / "iris", folder)
    # train.py of iris predicts the column `species`, whatever is in it.
    (folder / "model.toml").write_text(
        '[model]\ntask = "classification"\ndata = "sklearn:breast_cancer"\nlabel = "species"\n'
    )
    return {name: _written(root, name) for name in (*EXAMPLES, TWO_CLASSES)}


def _written(root: Path, name: str) -> Written:
    settings = load_model(root, name)
    if settings.model.framework == "xgboost" or (settings.folder / "train.py").exists():
        artifact = train(root, settings)
    else:
        out = root / f"{name}-elsewhere"
        elsewhere = [sys.executable, settings.folder / "elsewhere.py", out]
        subprocess.run(elsewhere, check=True, capture_output=True)
        before, latest = (import_model(root, settings, path) for path in sorted(out.iterdir()))
        page = write_report(root, latest)
        return Written(page.as_uri(), {"": latest.manifest, "before": before.manifest})
    return Written(write_report(root, artifact).as_uri(), {"": artifact.manifest})
