"""Fit a random forest: a SageMaker script-mode entry point, so the same file trains here and there."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import joblib
import pandas as pd
from sklearn.ensemble import RandomForestClassifier

LABEL = "species"


def channel(name: str) -> pd.DataFrame:
    """Read the one CSV file of a channel."""
    return pd.read_csv(Path(os.environ[f"SM_CHANNEL_{name.upper()}"]) / f"{name}.csv")


def main() -> None:
    """Read the training channel, fit, print a score on the validation channel, write model.joblib."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n_estimators", type=int, default=100)
    parser.add_argument("--max_depth", type=int, default=None)
    arguments = parser.parse_args()

    train, validation = channel("train"), channel("validation")
    features = [name for name in train.columns if name != LABEL]
    model = RandomForestClassifier(
        n_estimators=arguments.n_estimators, max_depth=arguments.max_depth, random_state=0
    )
    model.fit(train[features].to_numpy(), train[LABEL])
    score = model.score(validation[features].to_numpy(), validation[LABEL])
    print(f"validation-accuracy={score:.4f};")

    joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")


if __name__ == "__main__":
    main()
