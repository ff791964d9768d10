"""`python -m training.xgboost_algorithm`: train on what lies under $SAGEMAKER_BASE_DIR (default /opt/ml)."""

import logging
import os
import sys
import traceback
from pathlib import Path

from training.xgboost_algorithm.job import read_job


def main() -> int:
    """Train and return the exit code; what went wrong is in output/failure, its traceback first."""
    logging.basicConfig(
        level=logging.INFO,
        format="[%(asctime)s:%(levelname)s] %(message)s",
        datefmt="%Y-%m-%d:%H:%M:%S",
    )
    # Threads that spin while they wait are ten times slower on a machine that does something else as well.
    # OpenMP reads this when XGBoost is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from training.xgboost_algorithm.algorithm import train

    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    output = base / "output"
    output.mkdir(parents=True, exist_ok=True)
    try:
        train(read_job(base))
    except Exception as error:
        # The last frame alone: SageMaker shows the first 1024 characters of this file, and the message is
        # what a person needs.
        where = "".join(
            traceback.format_exception(type(error), error, error.__traceback__, limit=-1, chain=False)
        )
        failure = f"framework error: \n{where}\n{error}"
        (output / "failure").write_text(failure, encoding="utf-8")
        logging.error(failure)
        return 1
    (output / "success").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
