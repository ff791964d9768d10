"""The training itself: xgboost.train with the image's callbacks, and the one file that it leaves."""

import logging
import os
from collections.abc import Mapping
from typing import Any

import xgboost as xgb

from training.xgboost_algorithm import metric_names
from training.xgboost_algorithm.checkpoints import (
    MODEL_NAME,
    SaveCheckpoints,
    SaveModelOnTermination,
    newest_checkpoint,
    save_booster,
)
from training.xgboost_algorithm.errors import AlgorithmError, UserError
from training.xgboost_algorithm.evaluation_metrics import METRICS, evaluator
from training.xgboost_algorithm.job import Job
from training.xgboost_algorithm.matrices import first_lines

_NOT_OF_XGBOOST = (
    "num_round", "csv_weights", "early_stopping_rounds", "save_model_on_termination", "eval_metric",
    "_tuning_objective_metric", "_num_cv_round", "use_dask_gpu_training", "updater",
)  # fmt: skip
_OF_THE_USER = (  # of the image's list, those that XGBoost 3.2 still says in these words
    "Target is multiclass but average='binary'",
    "feature_names mismatch",
    "the dataset only contains pos or neg samples",
    "base_score must be in (0,1)",
    "reg_lambda should be greater equal to 0",
)
_log = logging.getLogger(__name__)


def boost(job: Job, values: Mapping[str, Any], train: Any, validation: Any, *, is_master: bool) -> None:
    """Train, and write `xgboost-model` where this host is the one that does.

    With early stopping the file holds the rounds up to the best one, so that it predicts by itself what the
    best round did. Raises UserError for labels and parameters that XGBoost refuses, else AlgorithmError.
    """
    _log.info("Train matrix has %d rows and %d columns", train.num_row(), train.num_col())
    evals = [(train, "train")]
    if validation is not None:
        _log.info("Validation matrix has %d rows", validation.num_row())
        evals.append((validation, "validation"))
    parameters, custom = _parameters(values)
    if job.port and len(job.hosts) > 1:  # the hosts are processes that share one machine
        parameters.setdefault("nthread", max(1, (os.cpu_count() or 1) // len(job.hosts)))
    checkpoint, done = newest_checkpoint(job.checkpoints)
    if checkpoint:
        _log.info("Resuming from iteration %d", done)
    rounds = max(0, values["num_round"] - done)
    try:
        booster = xgb.train(
            parameters,
            train,
            num_boost_round=rounds,
            evals=evals,
            custom_metric=evaluator(custom) if custom else None,
            callbacks=_callbacks(job, values, done, validation, is_master) if rounds else [],
            xgb_model=checkpoint,
            verbose_eval=False,
        )
    except (xgb.core.XGBoostError, ValueError, TypeError) as error:
        if any(words in str(error) for words in _OF_THE_USER):
            raise UserError(first_lines(error)) from error
        if "/src/collective/" in str(error):
            raise  # of the hosts' connection, which is told of where it was made
        raise AlgorithmError(f"XGB train call failed with exception:\n {first_lines(error)}") from error
    if is_master:
        save_booster(booster, job.model / MODEL_NAME)


def _parameters(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return what xgboost.train takes, and the metrics that the image computes itself."""
    asked = list(values.get("eval_metric", ()))
    tuned = values.get("_tuning_objective_metric")
    if tuned:
        asked = sorted({*asked, tuned.partition(":")[2]})
    custom = [name for name in asked if name in METRICS]
    builtin = [name for name in asked if name not in METRICS]
    parameters = {name: value for name, value in values.items() if name not in _NOT_OF_XGBOOST}
    if builtin:
        parameters["eval_metric"] = builtin
    if "updater" in values:
        parameters["updater"] = ",".join(values["updater"])
    _warn_of_classes(values.get("objective"), custom)
    return parameters, custom


def _warn_of_classes(objective: str | None, custom: list[str]) -> None:
    of_classes = [name for name in custom if name not in ("mse", "rmse", "mae", "r2")]
    if of_classes and objective in ("binary:logistic", "multi:softmax"):
        _log.warning(
            "%s: with %s this image counts every row with a prediction above 0 as class 1, so these are not "
            "what their names say. Take XGBoost's own metrics (error, logloss, merror, mlogloss) instead.",
            ", ".join(of_classes),
            objective,
        )


def _callbacks(
    job: Job, values: Mapping[str, Any], done: int, validation: Any, is_master: bool
) -> list[xgb.callback.TrainingCallback]:
    callbacks = [xgb.callback.EvaluationMonitor(logger=_print_line)]
    if job.checkpoints and is_master:
        callbacks.append(SaveCheckpoints(job.checkpoints, done))
    if values.get("save_model_on_termination") == "true" and is_master:
        callbacks.append(SaveModelOnTermination(job.model))
    patience = values.get("early_stopping_rounds")
    metric = _stopping_metric(values)
    if patience and validation is not None and metric:
        if values.get("objective") == "reg:linear":
            raise UserError(
                "XGB train call failed with exception:\n `save_best` is not applicable to the current "
                "booster: XGBoost 3.2 cannot cut a model of reg:linear at its best round, in AWS's image "
                "as well. "
                "Set objective to reg:squarederror, which is the same under its newer name."
            )
        callbacks.append(
            xgb.callback.EarlyStopping(
                rounds=patience,
                data_name="validation",
                metric_name=metric,
                maximize=metric in metric_names.MAXIMIZE,
                save_best=is_master,
            )
        )
    elif patience:
        _log.warning(
            "early_stopping_rounds has no effect: this image stops early only with a validation channel "
            "and an eval_metric, whose last one it follows."
        )
    return callbacks


def _stopping_metric(values: Mapping[str, Any]) -> str | None:
    tuned = values.get("_tuning_objective_metric")
    if tuned:
        return str(tuned.partition(":")[2])
    return values["eval_metric"][-1] if "eval_metric" in values else None


def _print_line(line: str) -> None:
    print(line.rstrip("\n"), flush=True)
