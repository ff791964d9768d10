"""Models of scikit-learn's own data sets with their evaluations, without a training run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from stacks.model_section import GateSection, ModelSection
from stacks.settings import ModelSettings
from training.data import load_dataset
from training.evaluate import evaluate
from training.evaluation import evaluate_in_depth
from training.report import rejected_manifest
from training.signature import signature_of
from training.split import split

SETS = {
    "iris": ("classification", LogisticRegression(max_iter=1000)),
    "breast_cancer": ("classification", RandomForestClassifier(20, random_state=0)),
    "digits": ("classification", RandomForestClassifier(20, random_state=0)),
    "diabetes": ("regression", DecisionTreeRegressor(max_depth=4, random_state=0)),
}


class Case:
    """A data set, a model fitted on its training rows, and its evaluation."""

    def __init__(self, name: str, estimator=None) -> None:
        self.task, default = SETS[name]
        section = ModelSection(task=self.task, data=f"sklearn:{name}", label="target")
        gate = {"accuracy": 0.9} if self.task == "classification" else {"r2": 0.1, "rmse": 200.0}
        settings = ModelSettings(name=name, folder=Path(), model=section, gate=GateSection(**gate))
        self.settings, self.dataset = settings, load_dataset(settings)
        self.parts = split(self.dataset, settings.split, stratify=self.task == "classification")
        self.signature = signature_of(settings, self.dataset)
        self.features, self.labels = self.dataset.features, self.dataset.label.to_numpy()
        self.model = (estimator or default).fit(
            self.features.iloc[self.parts.train], self.labels[self.parts.train]
        )
        self.test, self.truth = self.features.iloc[self.parts.test], self.labels[self.parts.test]
        self.predicted = self.model.predict(self.test)
        self.found = self.evaluate()

    def evaluate(self, seed: int = 0, **changed):
        arguments = {
            "task": self.task,
            "dataset": self.dataset,
            "parts": self.parts,
            "truth": self.truth.tolist(),
            "predicted": self.predicted.tolist(),
            "predict": self.model.predict,
            "scores": getattr(self.model, "predict_proba", lambda _rows: None),
            "signature": self.signature,
            "seed": seed,
        }
        return evaluate_in_depth(**(arguments | changed))

    def manifest(self, **changed) -> dict[str, Any]:
        """The manifest that an artifact of it would have, but for files and golden rows."""
        manifest = rejected_manifest(
            self.settings,
            self.dataset,
            self.parts,
            signature=self.signature,
            metrics=evaluate(self.task, self.truth.tolist(), self.predicted.tolist()),
            evaluation=self.found,
        )
        classes = self.task == "classification"
        agreement = {
            "rows": len(self.labels),
            "labels": 1.0 if classes else None,
            "max_abs_difference": None if classes else 1.25e-05,
            "tolerance": None if classes else 0.0077,
        }
        engine = {"name": "onnx", "file": "model.onnx", "trusted": [], "reason": "", "agreement": agreement}
        return json.loads(json.dumps(manifest | {"engine": engine} | changed))
