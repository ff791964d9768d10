"""Where skl2onnx alone does not convert, or converts to something that answers otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Converter = Callable[[Any, Any, Any], None]


def converters_for(estimator: Any, parts: Sequence[Any]) -> dict[type, Converter]:
    """Return the converters to use in place of skl2onnx's own, by type.

    Args:
        estimator: what is converted.
        parts: it and every estimator inside it.
    """
    from skl2onnx.operator_converters import random_forest
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
    )

    if of_xgboost(parts):
        _register_xgboost()
    chosen: dict[type, Converter] = {
        HistGradientBoostingClassifier: _plainly(random_forest.convert_sklearn_random_forest_classifier),
        HistGradientBoostingRegressor: _plainly(
            random_forest.convert_sklearn_random_forest_regressor_converter
        ),
    }
    final = estimator
    while hasattr(final, "steps"):
        final = final.steps[-1][1]
    # Only where nothing but its own answer is made of its votes.
    forest = type(final) in (RandomForestClassifier, ExtraTreesClassifier) and final.n_outputs_ == 1
    if forest and sum(type(part) is type(final) for part in parts) == 1:
        chosen[type(final)] = convert_votes
    return chosen


def opsets_for(parts: Sequence[Any]) -> dict[str, int] | None:
    """Return the operator sets to write; None is the newest that skl2onnx was tested with."""
    # The converter of XGBoost writes version 3 of the operators for trees at most.
    return {"": 21, "ai.onnx.ml": 3} if of_xgboost(parts) else None


def of_xgboost(parts: Sequence[Any]) -> bool:
    """Whether one of the estimators is XGBoost's."""
    return any(type(part).__module__.startswith("xgboost.") for part in parts)


def convert_votes(scope: Any, operator: Any, container: Any) -> None:
    """Convert a forest so that it labels as scikit-learn does, ties included.

    skl2onnx divides each tree's vote by the number of trees in float32 and compares the sum with one half:
    half of the trees may then come out above. A tie is frequent with two classes and an even number of trees.
    Here votes are summed as they are, in float32 where they are whole and in float64 otherwise; with two
    classes the sum of the differences is compared with zero. Probabilities are made of the sums afterwards.
    """
    from onnx import TensorProto, numpy_helper

    forest = operator.raw_operator
    trees = [member.tree_ for member in forest.estimators_]
    counts = [tree.node_count for tree in trees]
    tree_ids = np.repeat(np.arange(len(trees)), counts)
    node_ids = np.concatenate([np.arange(count) for count in counts])
    left = np.concatenate([tree.children_left for tree in trees])
    leaf = left == -1
    right, feature, threshold = (
        np.where(leaf, 0, np.concatenate([getattr(tree, name) for tree in trees]))
        for name in ("children_right", "feature", "threshold")
    )
    votes = np.concatenate([tree.value[:, 0, :] for tree in trees])
    if votes.shape[1] == 2:
        votes = np.stack([np.zeros(len(votes)), votes[:, 1] - votes[:, 0]], axis=1)
        at, to = np.flatnonzero(leaf), np.ones(leaf.sum(), dtype=np.int64)
    else:
        at, to = np.nonzero(np.where(leaf[:, None], votes, 0.0))
    whole = bool((votes[leaf] == np.round(votes[leaf])).all())
    kind = np.float32 if whole else np.float64
    rows = operator.inputs[0].full_name
    if not whole:
        rows = scope.get_unique_variable_name("rows")
        container.add_node("Cast", operator.inputs[0].full_name, rows, to=TensorProto.DOUBLE)
    labels = forest.classes_.tolist()
    if not all(type(label) is type(labels[0]) for label in labels) or type(labels[0]) not in (int, str):
        raise ValueError(f"labels of type {type(labels[0]).__name__}")
    label, told = (output.full_name for output in operator.outputs)
    sums = scope.get_unique_variable_name("sums")
    container.add_node(
        "TreeEnsembleClassifier",
        rows,
        [label, sums],
        op_domain="ai.onnx.ml",
        op_version=3,
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_featureids=feature.astype(int).tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_values_as_tensor=numpy_helper.from_array(_at_most(threshold, kind)),
        nodes_truenodeids=np.where(leaf, 0, left).tolist(),
        nodes_falsenodeids=right.astype(int).tolist(),
        class_treeids=tree_ids[at].tolist(),
        class_nodeids=node_ids[at].tolist(),
        class_ids=to.tolist(),
        class_weights_as_tensor=numpy_helper.from_array(votes[at, to].astype(kind)),
        post_transform="NONE",
        **{"classlabels_strings" if isinstance(labels[0], str) else "classlabels_int64s": labels},
    )
    _tell(scope, container, sums, told, trees=len(trees), pairs=votes.shape[1] == 2)


def _tell(scope: Any, container: Any, sums: str, told: str, *, trees: int, pairs: bool) -> None:
    """Turn sums of votes into probabilities: their share, or of two classes what their difference says.

    Of the difference d of two classes ONNX Runtime gives the pair (-d, d).
    """

    def constant(name: str, values: Any) -> str:
        unique: str = scope.get_unique_variable_name(name)
        container.add_initializer(unique, TensorProto.FLOAT, [len(values)], values)
        return unique

    from onnx import TensorProto

    if not pairs:
        container.add_node("Div", [sums, constant("trees", [float(trees)])], told, op_version=14)
        return
    share = scope.get_unique_variable_name("share")
    container.add_node("Div", [sums, constant("trees", [2.0 * trees])], share, op_version=14)
    container.add_node("Add", [share, constant("half", [0.5])], told, op_version=14)


def _at_most(thresholds: Any, kind: Any) -> Any:
    """Round down: a float32 is at most the result when it is at most the threshold."""
    rounded = thresholds.astype(kind)
    return np.where(rounded > thresholds, np.nextafter(rounded, kind(-np.inf)), rounded)


class _PlainAttributes:
    """A container for nodes that writes booleans as integers, which is all that ONNX takes."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *arguments: Any, **attributes: Any) -> None:
        """Add a node."""
        tracks = "nodes_missing_value_tracks_true"
        if tracks in attributes:
            attributes[tracks] = [int(item) for item in attributes[tracks]]
        self._container.add_node(*arguments, **attributes)


def _plainly(convert: Converter) -> Converter:
    """skl2onnx 1.20 hands ONNX booleans for histogram gradient boosting, and ONNX refuses them."""

    def convert_plainly(scope: Any, operator: Any, container: Any) -> None:
        convert(scope, operator, _PlainAttributes(container))

    return convert_plainly


def _register_xgboost() -> None:
    import xgboost
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
    from skl2onnx import update_registered_converter
    from skl2onnx.common import shape_calculator

    for kind in (xgboost.XGBClassifier, xgboost.XGBRFClassifier):
        update_registered_converter(
            kind,
            f"XGBoost{kind.__name__}",
            shape_calculator.calculate_linear_classifier_output_shapes,
            convert_xgboost,
            options={"zipmap": [True, False, "columns"], "nocl": [True, False]},
        )
    for kind in (xgboost.XGBRegressor, xgboost.XGBRFRegressor):
        update_registered_converter(
            kind,
            f"XGBoost{kind.__name__}",
            shape_calculator.calculate_linear_regressor_output_shapes,
            convert_xgboost,
        )
