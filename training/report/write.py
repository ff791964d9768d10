"""Writing reports and cards beside the artifacts, never into their archives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.errors import ArtifactInvalid, ArtifactMissing
from training.artifact import LATEST, PREVIOUS, Artifact, load_artifact

from .card import render_card
from .card_settings import load_card
from .render import render

REPORT = "report.html"
CARD = "model-card.md"
REJECTED = "rejected-report.html"


def write_report(root: Path, artifact: Artifact, before: Artifact | None = None) -> Path:
    """Write `artifacts/<model>/<version>/report.html` and return its path.

    Args:
        root: the project's folder.
        artifact: what it is about.
        before: the version to compare with; default: for the latest the one before it, else none.
    """
    before = before or _before(root, artifact)
    page = render(
        artifact.manifest,
        before.manifest if before else None,
        version=artifact.version,
        previous_version=before.version if before else None,
    )
    return _write(artifact.folder / REPORT, page)


def write_rejected_report(root: Path, model: str, manifest: Mapping[str, Any]) -> Path:
    """Write `artifacts/<model>/rejected-report.html` for a model that its gate refused, and return its path.

    Args:
        root: the project's folder.
        model: the model's name.
        manifest: from `rejected_manifest`.
    """
    home = root / "artifacts" / model
    home.mkdir(parents=True, exist_ok=True)
    latest = _load(root, model, LATEST)  # what stays in place of it
    page = render(
        manifest,
        latest.manifest if latest else None,
        previous_version=latest.version if latest else None,
    )
    return _write(home / REJECTED, page)


def remove_rejected_report(root: Path, model: str) -> None:
    """Remove the page of a model that its gate refused, once another one has passed."""
    (root / "artifacts" / model / REJECTED).unlink(missing_ok=True)


def write_card(root: Path, artifact: Artifact) -> tuple[Path, int]:
    """Write `artifacts/<model>/<version>/model-card.md`; return its path and how many fields are missing.

    Raises:
        SettingsError: the model folder's card.toml is wrong.
    """
    text, missing = render_card(
        artifact.manifest, load_card(root / "model_code" / artifact.model), version=artifact.version
    )
    return _write(artifact.folder / CARD, text), missing


def _before(root: Path, artifact: Artifact) -> Artifact | None:
    latest = _load(root, artifact.model, LATEST)
    if latest is None or latest.version != artifact.version:
        return None
    found = _load(root, artifact.model, PREVIOUS)
    return found if found and found.version != artifact.version else None


def _load(root: Path, model: str, pointer: str) -> Artifact | None:
    try:
        return load_artifact(root, model, pointer)
    except (ArtifactMissing, ArtifactInvalid):
        return None  # nothing to compare with, or nothing to trust; that is no reason to write no page


def _write(path: Path, text: str) -> Path:
    """Write a file in one step: after a crash there is the old one or the new one."""
    staged = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        staged.write_text(text, encoding="utf-8")
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    return path
