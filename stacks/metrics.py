"""The metrics of a model: which a task has, and in which direction each is better. Standard library only."""

from __future__ import annotations

METRICS = {
    "classification": ("accuracy", "balanced_accuracy", "f1_macro"),
    "regression": ("r2", "rmse", "mae"),
}
# Metrics where less is better; a gate bounds them from above.
LOWER_IS_BETTER = frozenset({"rmse", "mae"})
