"""Algorithm mode: check what was asked for, read the data, train on one host or on several."""

import logging
from functools import partial

from training.xgboost_algorithm.boosting import boost
from training.xgboost_algorithm.channels import training_format
from training.xgboost_algorithm.errors import UserError
from training.xgboost_algorithm.hosts import train_together
from training.xgboost_algorithm.hyperparameters import validate
from training.xgboost_algorithm.job import IMAGE_BASE, Job
from training.xgboost_algorithm.matrices import load

_SCRIPT = "sagemaker_program"
_log = logging.getLogger(__name__)


def train(job: Job) -> None:
    """Run one host's part of a job. Raises UserError, AlgorithmError, PlatformError."""
    if _SCRIPT in job.hyperparameters:
        raise UserError(
            "Script mode of the XGBoost image works in AWS's image only, not here. Leave out "
            f"{_SCRIPT} to train with the built-in algorithm, or use an image of your own."
        )
    values = validate(job.hyperparameters)
    form = training_format(job.channels)
    load_channel = partial(load, form=form, weights=values.get("csv_weights") == 1)
    matrix = load_channel(job.channel("train"))
    validation = load_channel(job.channel("validation")) if "validation" in job.channels else None
    missing = {"training": "train"} if matrix is None else {}
    if "validation" in job.channels and validation is None:
        missing["validation"] = "validation"
    train_here = partial(boost, job, values, matrix, validation)
    if len(job.hosts) > 1:
        _log.info("Distributed node training with %d hosts: %s", len(job.hosts), list(job.hosts))
        for name in missing:
            _log.warning(
                "Host %s does not have %s data. Will broadcast to cluster and this host will not be used "
                "in distributed training. Please divide the data across instances properly.",
                job.host,
                name,
            )
        train_together(job, not missing, lambda is_master: train_here(is_master=is_master))
        return
    for name, channel in missing.items():
        folder = IMAGE_BASE / "input" / "data" / channel
        raise UserError(f"No data in {name} channel path {folder}")
    _log.info("Single node training.")
    train_here(is_master=True)
