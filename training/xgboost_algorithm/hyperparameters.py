"""The hyperparameters of the image, and what it says of wrong ones."""

from collections.abc import Mapping
from typing import Any

from training.xgboost_algorithm import metric_names
from training.xgboost_algorithm.dependencies import RULES
from training.xgboost_algorithm.errors import UserError
from training.xgboost_algorithm.evaluation_metrics import MetricNames
from training.xgboost_algorithm.specification import (
    Hyperparameter,
    Interval,
    choice,
    integer,
    integers,
    nested,
    number,
    words,
)

ALIASES = {
    "learning_rate": "eta",
    "min_split_loss": "gamma",
    "reg_lambda": "lambda",
    "reg_alpha": "alpha",
}
_SWITCH = Interval(0, 1)
_SHARE = Interval(0, 1, open_low=True)
_COUNT = Interval(1)
_NOT_NEGATIVE = Interval(0)
_UPDATERS = [
    "grow_colmaker", "distcol", "grow_histmaker", "grow_skmaker", "sync", "refresh", "prune", "shotgun",
    "coord_descent",
]  # fmt: skip
_OBJECTIVES = (
    "aft_loss_distribution",  # the image takes it, and XGBoost then says what it knows
    "binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "multi:softmax",
    "multi:softprob", "rank:pairwise", "rank:ndcg", "rank:map", "reg:linear", "reg:squarederror",
    "reg:logistic", "reg:gamma", "reg:pseudohubererror", "reg:squaredlogerror", "reg:absoluteerror",
    "reg:tweedie", "survival:aft", "survival:cox",
)  # fmt: skip

_ROWS: tuple[Hyperparameter, ...] = (
    integer("num_round", _COUNT, required=True),
    integer("csv_weights", _SWITCH),
    integer("early_stopping_rounds", _COUNT),
    choice("booster", "gbtree", "gblinear", "dart"),
    integer("verbosity", Interval(0, 3)),
    integer("nthread", _COUNT),
    number("eta", _SWITCH),
    number("gamma", _NOT_NEGATIVE),
    integer("max_depth", _NOT_NEGATIVE),
    number("min_child_weight", _NOT_NEGATIVE),
    number("max_delta_step", _NOT_NEGATIVE),
    number("subsample", _SHARE),
    number("colsample_bytree", _SHARE),
    number("colsample_bylevel", _SHARE),
    number("colsample_bynode", _SHARE),
    number("lambda", _NOT_NEGATIVE),
    number("alpha", _NOT_NEGATIVE),
    choice("tree_method", "auto", "exact", "approx", "hist", "gpu_hist"),
    number("sketch_eps", Interval(0, 1, open_low=True, open_high=True)),
    number("scale_pos_weight", Interval(0, open_low=True)),
    words("updater", _UPDATERS),
    choice("dsplit", "row", "col"),
    integer("refresh_leaf", _SWITCH),
    choice("process_type", "default", "update"),
    choice("grow_policy", "depthwise", "lossguide"),
    integer("max_leaves", _NOT_NEGATIVE),
    integer("max_bin", _NOT_NEGATIVE),
    choice("predictor", "auto", "cpu_predictor", "gpu_predictor"),
    integers("monotone_constraints", [-1, 0, 1]),
    nested("interaction_constraints", _COUNT),
    choice("sample_type", "uniform", "weighted"),
    choice("normalize_type", "tree", "forest"),
    number("rate_drop", _SWITCH),
    integer("one_drop", _SWITCH),
    number("skip_drop", _SWITCH),
    number("lambda_bias", _SWITCH),
    number("tweedie_variance_power", Interval(1, 2, open_low=True, open_high=True)),
    choice("objective", *_OBJECTIVES),
    integer("num_class", Interval(2)),
    number("base_score", _NOT_NEGATIVE),
    integer("_kfold", Interval(2)),
    integer("_num_cv_round", _COUNT),
    choice("_tuning_objective_metric", *(f"validation:{name}" for name in metric_names.EVERY)),
    words("eval_metric", MetricNames()),
    integer("seed", Interval(-(2**31), 2**31 - 1, open_low=True, open_high=True)),
    integer("num_parallel_tree", _COUNT),
    choice("save_model_on_termination", "true", "false"),
    choice("aft_loss_distribution", "normal", "logistic", "extreme"),
    number("aft_loss_distribution_scale", _NOT_NEGATIVE),
    choice("deterministic_histogram", "true", "false"),
    choice("sampling_method", "uniform", "gradient_based"),
    integer("prob_buffer_row", Interval(1.0, open_low=True)),
    choice("use_dask_gpu_training", "true", "false"),
)
TABLE = {row.name: row for row in _ROWS}


def validate(given: Mapping[str, str]) -> dict[str, Any]:
    """Return the hyperparameters with their types, each under its first name.

    Raises UserError with the message that the image gives: a required one is missing, a name is unknown, a
    text cannot be read, a value is out of range, or two of them do not fit together; in this order.
    """
    renamed = {ALIASES.get(name, name): text for name, text in given.items()}
    for name, row in TABLE.items():
        if row.required and name not in renamed:
            raise UserError(f"Missing required hyperparameter: {name}")
    values: dict[str, Any] = {}
    for name, text in renamed.items():
        if name not in TABLE:
            raise UserError(f"Extraneous hyperparameter found: {name}")
        values[name] = TABLE[name].read(text)
    for name, value in values.items():
        TABLE[name].check(value)
    for name, rule in RULES.items():
        if name in values:
            rule(values[name], values)
    return values
