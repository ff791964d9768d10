"""What is known of a model that its gate refused: a manifest without what comes after the gate."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from stacks.metrics import LOWER_IS_BETTER
from stacks.settings import ModelSettings
from training.data import Dataset
from training.manifest import LIBRARIES, MANIFEST_FORMAT
from training.split import Split


def rejected_manifest(
    settings: ModelSettings,
    dataset: Dataset,
    parts: Split,
    *,
    signature: Mapping[str, Any],
    metrics: Mapping[str, float],
    evaluation: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a manifest without `engine`, `golden` and `files`; a metric that is no number is null.

    Args:
        settings: the model folder's.
        dataset: all rows.
        parts: which of them are for what.
        signature: from `signature_of`.
        metrics: of the answers to the test rows.
        evaluation: from `evaluate_in_depth`.
    """
    measured = {name: value if math.isfinite(value) else None for name, value in metrics.items()}
    return {
        "format": MANIFEST_FORMAT,
        "model": settings.name,
        "settings": settings.model.model_dump(mode="json"),
        "versions": {
            "python": platform.python_version(),
            **{library: version(library) for library in LIBRARIES},
        },
        "data": {"source": dataset.source, "sha256": dataset.sha256, "rows": len(dataset.label)},
        "split": {
            **settings.split.model_dump(),
            "rows": {part: len(rows) for part, rows in vars(parts).items()},
        },
        "metrics": measured,
        "gate": {
            name: {
                "bound": bound,
                "kind": "maximum" if name in LOWER_IS_BETTER else "minimum",
                "value": measured[name],
            }
            for name, bound in sorted(settings.gate.bounds().items())
        },
        "signature": dict(signature),
        "evaluation": dict(evaluation),
    }
