"""Which hyperparameters do not go together."""

from collections.abc import Callable, Mapping
from typing import Any

from training.xgboost_algorithm.errors import UserError

_LINEAR = ("shotgun", "coord_descent")
_GROWING = ("grow_colmaker", "distcol", "grow_histmaker")
_TREE = (*_GROWING, "grow_skmaker", "sync", "refresh", "prune")


def _updater(value: list[str], others: Mapping[str, Any]) -> None:
    if others.get("booster") == "gblinear":
        if len(value) != 1 or value[0] not in _LINEAR:
            options = ", ".join(f"'{name}'" for name in _LINEAR)
            raise UserError(f"Linear updater should be one of these options: {options}.")
    elif others.get("process_type") == "update":
        if not set(value) <= {"refresh", "prune"}:
            raise UserError("process_type 'update' can only be used with updater 'refresh' and 'prune'")
    elif not set(value) <= set(_TREE):
        raise UserError(
            "Tree updater should be selected from these options: 'grow_colmaker', 'distcol', "
            "'grow_histmaker', 'grow_skmaker', 'grow_quantile_histmaker', 'sync', 'refresh', 'prune', "
            "'shortgun', 'coord_descent'."
        )
    elif sum(name in _GROWING for name in value) > 1:
        raise UserError(
            "Only one tree grow plugin can be selected. Choose one from the"
            "following: 'grow_colmaker', 'distcol', 'grow_histmaker', 'grow_skmaker'"
        )


def _objective(value: str, others: Mapping[str, Any]) -> None:
    if value in ("multi:softmax", "multi:softprob") and others.get("num_class") is None:
        raise UserError("Require input for parameter 'num_class' for multi-classification")


def _eval_metric(value: list[str], others: Mapping[str, Any]) -> None:
    if "objective" not in others:
        raise UserError("KeyError: 'objective'. The image takes eval_metric only together with objective.")
    objective = others["objective"]
    if "auc" in value and not objective.startswith(("binary:", "rank:")):
        raise UserError("Metric 'auc' can only be applied for classification and ranking problems.")
    if "aft-nloglik" in value and objective != "survival:aft":
        raise UserError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")


def _monotone(_: Any, others: Mapping[str, Any]) -> None:
    if others.get("tree_method") not in ("exact", "hist"):
        raise UserError(
            "monotone_constraints can be used only when the tree_method parameter is set to "
            "either 'exact' or 'hist'."
        )


def _interaction(_: Any, others: Mapping[str, Any]) -> None:
    if others.get("tree_method") not in ("exact", "hist", "approx"):
        raise UserError(
            "interaction_constraints can be used only when the tree_method parameter is set to "
            "either 'exact', 'hist' or 'approx'."
        )


def _tree_method(value: str, _: Mapping[str, Any]) -> None:
    if value == "gpu_hist":
        raise UserError(
            "Invalid Input: 'gpu_hist', valid values are: {'approx', 'auto', 'exact', 'hist'}. "
            "The image's own check lets it pass, and XGBoost 3.2 then refuses it."
        )


def _not_here(name: str, instead: str) -> Callable[[Any, Mapping[str, Any]], None]:
    def rule(value: Any, _: Mapping[str, Any]) -> None:
        if value != "false":
            raise UserError(
                f"Hyperparameter {name} works in AWS's image only, not on this machine: {instead}"
            )

    return rule


RULES: dict[str, Callable[[Any, Mapping[str, Any]], None]] = {
    "updater": _updater,
    "objective": _objective,
    "eval_metric": _eval_metric,
    "monotone_constraints": _monotone,
    "interaction_constraints": _interaction,
    "tree_method": _tree_method,
    "_kfold": _not_here("_kfold", "start one job for each fold."),
    "use_dask_gpu_training": _not_here("use_dask_gpu_training", "leave it out."),
}
