"""Train two models of handwritten digits outside SageMaker: a script like any other, with scikit-learn.

python model_code/digits/elsewhere.py OUT     writes OUT/1-logistic.onnx and OUT/2-forest.skops
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import skl2onnx
import skops.io
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler


def main() -> None:
    """Fit a logistic regression and a forest, print how good they are, and write each as data."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    out.mkdir(parents=True, exist_ok=True)
    rows, labels = load_digits(return_X_y=True)
    # The share and seed of [split] in model.toml: an import then measures on rows that neither has seen.
    train, test = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=0, stratify=labels)

    logistic = make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=1000, random_state=0))
    forest = RandomForestClassifier(n_estimators=100, random_state=0)
    for model in (logistic, forest):
        model.fit(rows[train], labels[train])
        print(f"{type(model).__name__}: accuracy {model.score(rows[test], labels[test]):.4f}")

    graph = skl2onnx.to_onnx(logistic, rows[:1].astype(np.float32), name="logistic")
    (out / "1-logistic.onnx").write_bytes(graph.SerializeToString())
    skops.io.dump(forest, out / "2-forest.skops")


if __name__ == "__main__":
    main()
