"""AWS's built-in XGBoost image as a process: our own program for its documented contract."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from localaws.environments import Recipe, ensure_environment
from localaws.images.prebuilt import Launch, MetricDefinition, Place

_SERVE = Path(__file__).resolve().parent / "xgboost_3_2_0" / "serve.py"
# The training is a program beside this package, which is run and never imported.
_PROJECT = Path(__file__).resolve().parents[2]
_TRAINING = "training.xgboost_algorithm"
_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


@dataclass(frozen=True)
class BuiltinXgboost:
    """The image in algorithm mode; it has no script mode here, and nothing is installed at start."""

    recipe: Recipe

    @cached_property
    def metric_definitions(self) -> Sequence[MetricDefinition]:
        """Return `train:` and `validation:` of each metric that the image knows.

        On AWS the expressions say `#011`, as its logs show a tab.
        """
        names = json.loads((_PROJECT / _TRAINING.replace(".", "/") / "metrics.json").read_text())
        return tuple(
            MetricDefinition(f"{data}:{name}", rf".*\[[0-9]+\].*(?:#011|\t){data}-{name}:{_NUMBER}.*")
            for data in ("train", "validation")
            for name in (*names["maximize"], *names["minimize"])
        )

    def prepare(self, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        """Return the serving command."""
        environment = {
            "SM_MODEL_DIR": str(place.base / "model"),
            "SAGEMAKER_MODEL_SERVER_WORKERS": str(place.workers),
        }
        return self._launch((str(_SERVE),), place, envs, variables, environment)

    def prepare_training(self, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        """Return the training command of one host."""
        environment = {"SAGEMAKER_BASE_DIR": str(place.base), "PYTHONPATH": str(_PROJECT)}
        # -P: whatever lies in the current folder is not imported.
        return self._launch(("-P", "-m", _TRAINING), place, envs, variables, environment)

    def _launch(
        self,
        arguments: tuple[str, ...],
        place: Place,
        envs: Path,
        variables: Mapping[str, str],
        environment: Mapping[str, str],
    ) -> Launch:
        shared = ensure_environment(self.recipe, envs)
        return Launch(
            (str(shared / "bin" / "python"), *arguments),
            {**place.process_environment(variables), **environment, "PYTHONUNBUFFERED": "1"},
            {str(shared): "/usr/local", str(place.folder / "tmp"): "/tmp"},  # noqa: S108
        )
