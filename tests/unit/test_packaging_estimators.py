"""Common estimators, once packaged, answer as they did in training, and say what serves them and why.

Each is packaged as training packages it, written into an archive, unpacked, and loaded as serving loads it;
then it answers every row, and has to answer as scikit-learn did.
"""

import io
import re
import tarfile

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import make_classification, make_regression
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    PolynomialFeatures,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor, XGBRFClassifier, XGBRFRegressor

from model_code.serving.engines import load_engine
from model_code.serving.model import as_predictions
from training.agreement import TOLERANCE, Answers
from training.artifact import write_artifact
from training.engines import package
from training.fitted import Estimator

COLUMNS = ["age", "height", "weight", "pulse", "sugar"]
BY_NAMES = make_column_transformer(
    (StandardScaler(), ["weight", "age"]), (MinMaxScaler(), ["sugar"]), remainder="passthrough"
)
NESTED = make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), ["height", "pulse"]),
    (KBinsDiscretizer(4, encode="onehot-dense", quantile_method="averaged_inverted_cdf"), ["age"]),
    remainder="drop",
)
TWO_CLASSIFIERS = [
    ("line", LogisticRegression()),
    ("tree", DecisionTreeClassifier(max_depth=4, random_state=0)),
]
TWO_REGRESSORS = [("line", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=4, random_state=0))]

CLASSIFIERS = {
    "logistic regression": LogisticRegression(),
    "ridge": RidgeClassifier(),
    "linear SVC": LinearSVC(),
    "SVC": SVC(),
    "nearest neighbours": KNeighborsClassifier(),
    "nearest neighbours, weighted": KNeighborsClassifier(weights="distance"),
    "naive Bayes": GaussianNB(),
    "decision tree": DecisionTreeClassifier(random_state=0),
    "random forest": RandomForestClassifier(20, random_state=0),
    "random forest of impure leaves": RandomForestClassifier(20, min_samples_leaf=5, random_state=0),
    "extra trees": ExtraTreesClassifier(20, random_state=0),
    "gradient boosting": GradientBoostingClassifier(n_estimators=20, random_state=0),
    "histogram gradient boosting": HistGradientBoostingClassifier(max_iter=20, random_state=0),
    "AdaBoost": AdaBoostClassifier(n_estimators=10, random_state=0),
    "bagging": BaggingClassifier(random_state=0),
    "neural network": make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=300, random_state=0)),
    "linear discriminant": LinearDiscriminantAnalysis(),
    "quadratic discriminant": QuadraticDiscriminantAnalysis(),
    "SGD": SGDClassifier(random_state=0),
    "hard vote": VotingClassifier(TWO_CLASSIFIERS),
    "soft vote": VotingClassifier(TWO_CLASSIFIERS, voting="soft"),
    "stack": StackingClassifier(TWO_CLASSIFIERS),
    "stack with a forest": StackingClassifier([("forest", RandomForestClassifier(9, random_state=0))]),
    "calibrated": CalibratedClassifierCV(LinearSVC(), cv=3),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()),
    "robustly scaled": make_pipeline(RobustScaler(), SVC()),
    "polynomial": make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression()),
    "principal components": make_pipeline(StandardScaler(), PCA(3), SVC()),
    "scaled forest": make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=0)),
    "searched": GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.5, 1.0]}, cv=3),
    "columns by name": make_pipeline(BY_NAMES, LogisticRegression()),
    "columns by name, a forest": make_pipeline(BY_NAMES, RandomForestClassifier(10, random_state=0)),
    "columns by name, nested": make_pipeline(NESTED, LogisticRegression()),
    "columns by kind": make_pipeline(
        make_column_transformer((StandardScaler(), make_column_selector(dtype_include="number"))), SVC()
    ),
    "nearest centroid": NearestCentroid(),
    "sparse bins": make_pipeline(
        KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"), LogisticRegression()
    ),
    "XGBoost": XGBClassifier(n_estimators=20),
    "XGBoost forest": XGBRFClassifier(n_estimators=20),
}
REGRESSORS = {
    "linear regression": LinearRegression(),
    "ridge": Ridge(),
    "lasso": Lasso(0.1),
    "elastic net": ElasticNet(0.1),
    "Bayesian ridge": BayesianRidge(),
    "SVR": SVR(),
    "linear SVR": LinearSVR(random_state=0),
    "decision tree": DecisionTreeRegressor(random_state=0),
    "random forest": RandomForestRegressor(20, random_state=0),
    "extra trees": ExtraTreesRegressor(20, random_state=0),
    "gradient boosting": GradientBoostingRegressor(n_estimators=20, random_state=0),
    "histogram gradient boosting": HistGradientBoostingRegressor(max_iter=20, random_state=0),
    "AdaBoost": AdaBoostRegressor(n_estimators=10, random_state=0),
    "bagging": BaggingRegressor(random_state=0),
    "nearest neighbours": KNeighborsRegressor(),
    "nearest neighbours, weighted": KNeighborsRegressor(weights="distance"),
    "neural network": make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(8,), max_iter=300, random_state=0)
    ),
    "SGD": make_pipeline(StandardScaler(), SGDRegressor(random_state=0)),
    "Poisson": make_pipeline(StandardScaler(), PoissonRegressor()),
    "vote": VotingRegressor(TWO_REGRESSORS),
    "stack": StackingRegressor(TWO_REGRESSORS),
    "polynomial": make_pipeline(PolynomialFeatures(2), Ridge()),
    "quantiles": make_pipeline(QuantileTransformer(n_quantiles=20), Ridge()),
    "columns by name": make_pipeline(BY_NAMES, Ridge()),
    "columns by name, nested": make_pipeline(NESTED, Ridge()),
    "XGBoost": XGBRegressor(n_estimators=20),
    "XGBoost forest": XGBRFRegressor(n_estimators=20),
}
# Those that ONNX Runtime does not serve, and the words that say why.
NOT_ONNX = {
    # Neighbours at the same distance, and rows on a threshold: float32 decides them otherwise.
    ("classification", "nearest neighbours, weighted"): ("sklearn", "ONNX Runtime labels"),
    ("classification", "scaled forest"): ("sklearn", "ONNX Runtime labels"),
    ("regression", "nearest neighbours"): ("sklearn", "ONNX Runtime differs"),
    ("regression", "nearest neighbours, weighted"): ("sklearn", "ONNX Runtime differs"),
    ("classification", "nearest centroid"): ("sklearn", "no converter for NearestCentroid"),
    ("classification", "sparse bins"): ("sklearn", "onehot encoding not supported"),
    ("classification", "XGBoost forest"): ("xgboost", "ONNX Runtime labels"),
    ("regression", "XGBoost"): ("xgboost", "agrees better"),
    ("regression", "XGBoost forest"): ("xgboost", "agrees better"),
}
CASES = [
    *(("classification", name, estimator) for name, estimator in CLASSIFIERS.items()),
    *(("regression", name, estimator) for name, estimator in REGRESSORS.items()),
]
# Their labels are training's; of their numbers, float32 puts some on the other side of a vote.
NO_PROBABILITIES = {
    "nearest neighbours": "differ from training's by up to 0.2",
    "columns by name, a forest": "differ from training's by up to 0.2",
}


def table(task):
    """A third of the rows are trained on; coarse numbers, so that rows meet thresholds and each other."""
    if task == "classification":
        rows, label = make_classification(
            300, 5, n_informative=4, n_redundant=0, flip_y=0.1, n_classes=3, random_state=1
        )
    else:
        rows, label = make_regression(300, 5, noise=5, random_state=1)
        label = np.abs(label)
    return pd.DataFrame(rows.round(1), columns=COLUMNS), label


def served(root, estimator, signature, answers):
    """Write an archive, unpack it, and return its manifest's engine and that engine."""
    packaged = package(estimator, signature, answers)
    manifest = {"signature": signature, "engine": packaged.entry}
    artifact = write_artifact(root, "m", packaged.files, manifest)
    with tarfile.open(artifact.archive) as tar:
        tar.extractall(root / "model", filter="data")
    return artifact.manifest["engine"], load_engine(root / "model", artifact.manifest)


def signature_for(kind):
    classes = {} if kind == "number" else {"classes": [0, 1, 2]}
    return {
        "features": [{"name": name, "type": "number"} for name in COLUMNS],
        "prediction": {"name": "label", "type": kind, **classes},
    }


def check_probabilities(engine, loaded, answers, name):
    wanted = NO_PROBABILITIES.get(name, "the model has none" if answers.probabilities is None else "")
    assert re.search(wanted, engine["no_probabilities"])
    assert engine["probabilities"] == (wanted == "")
    if engine["probabilities"]:
        values, told = loaded.with_probabilities(answers.matrix)
        assert np.ravel(values).tolist() == np.ravel(loaded.predict(answers.matrix)).tolist()
        assert np.abs(told - answers.probabilities).max() <= 1e-5


@pytest.mark.parametrize(("task", "name", "estimator"), CASES, ids=[f"{task}: {n}" for task, n, _ in CASES])
def test_what_is_packaged_answers_as_training_does(tmp_path, task, name, estimator):
    features, label = table(task)
    by_name = "columns" in name
    estimator.fit((features if by_name else features.to_numpy())[:100], label[:100])
    buffer = io.BytesIO()
    joblib.dump(estimator, buffer)
    fitted = joblib.load(io.BytesIO(buffer.getvalue()))  # as train.py hands it over
    expected, probabilities = Estimator(fitted).predict(features), Estimator(fitted).scores(features)
    kind = "integer" if task == "classification" else "number"
    answers = Answers(features.to_numpy(), expected, kind, probabilities)

    engine, loaded = served(tmp_path, fitted, signature_for(kind), answers)

    found = loaded.predict(answers.matrix)
    ours, theirs = as_predictions(expected, kind), as_predictions(found, kind)
    if task == "classification":
        check_probabilities(engine, loaded, answers, name)
        assert theirs == ours
        assert engine["agreement"]["labels"] == 1.0
    else:
        assert np.abs(np.subtract(theirs, ours)).max() <= TOLERANCE * np.std(ours)
        assert engine["agreement"]["max_abs_difference"] <= engine["agreement"]["tolerance"]
    wanted, words = NOT_ONNX.get((task, name), ("onnx", ""))
    assert engine["agreement"]["rows"] == 300
    assert engine["name"] == wanted, engine["reason"]
    assert re.search(words, engine["reason"])
    assert bool(engine["reason"]) == (wanted != "onnx")
