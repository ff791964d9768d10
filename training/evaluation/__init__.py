"""What a report shows of a model, computed at training and kept in its manifest under `evaluation`."""

from .depth import evaluate_in_depth

__all__ = ["evaluate_in_depth"]
