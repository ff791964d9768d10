from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import SettingsError
from stacks.model_combinations import MODEL_COMBINATIONS
from stacks.settings import load_model

_MODEL = '[model]\ntask = "regression"\ndata = "sklearn:diabetes"\nlabel = "progression"\n'
XGBOOST = 'framework = "xgboost"\n'
SERVED = '[serve]\nimage = "xgboost"\n'

# The table of stacks/model_combinations.py, each with the key and value that its error names.
IMPOSSIBLE: list[tuple[int, str, str]] = [
    (0, SERVED, "serve.image = 'xgboost'"),
    (1, XGBOOST, "serve.image = 'sklearn'"),
    (2, "[train]\nmax_wait_minutes = 90\n", "train.max_wait_minutes = 90"),
    (
        3,
        "[train]\nspot = true\nmax_runtime_minutes = 60\nmax_wait_minutes = 59\n",
        "train.max_wait_minutes = 59",
    ),
    (
        4,
        XGBOOST + "[train]\nmetrics = { rmse = '([0-9.]+)' }\n" + SERVED,
        "train.metrics = {'rmse': '([0-9.]+)'}",
    ),
    (5, "[train]\nmetrics = { accuracy = '([0-9.]+)' }\n", "train.metrics.accuracy = '([0-9.]+)'"),
    (6, "[batch]\nmax_payload_mb = 26\nmax_concurrent = 4\n", "batch.max_concurrent = 4"),
    (7, '[train]\ninstance_type = "ml.m6g.large"\n', "train.instance_type = 'ml.m6g.large'"),
    (7, '[batch]\ninstance_type = "ml.c7g.xlarge"\n', "batch.instance_type = 'ml.c7g.xlarge'"),
    (8, '[train]\ninstance_type = "ml.t2.medium"\n', "train.instance_type = 'ml.t2.medium'"),
    (8, '[batch]\ninstance_type = "ml.t3.medium"\n', "batch.instance_type = 'ml.t3.medium'"),
]
POSSIBLE = [
    XGBOOST + SERVED,
    XGBOOST + '[serve]\nimage = "own"\n',
    "[train]\nspot = true\n",
    "[train]\nspot = true\nmax_runtime_minutes = 60\nmax_wait_minutes = 60\n",
    "[train]\nmetrics = { rmse = '([0-9.]+)', mae = '([0-9.]+)', r2 = '([0-9.]+)' }\n",
    "[batch]\nmax_payload_mb = 25\nmax_concurrent = 4\n",
    "[batch]\nmax_payload_mb = 100\n",
    '[train]\ninstance_type = "ml.g4dn.xlarge"\n',
    '[train]\ninstance_type = "ml.t3.large"\n[batch]\ninstance_type = "ml.trn1.2xlarge"\n',
]


def _write(root: Path, text: str) -> None:
    folder = root / "model_code" / "diabetes"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text(_MODEL + text, encoding="utf-8")


@pytest.mark.parametrize(("row", "toml", "what"), IMPOSSIBLE)
def test_a_combination_that_cannot_be_names_key_value_cause_and_remedy(
    row: int, toml: str, what: str, tmp_path: Path
) -> None:
    _write(tmp_path, toml)
    with pytest.raises(SettingsError) as refused:
        load_model(tmp_path, "diabetes")
    assert refused.value.what == f"model_code/diabetes/model.toml: {what} is not allowed."
    entry = MODEL_COMBINATIONS[row]
    assert (refused.value.why, refused.value.fix) == (entry.why, entry.fix)


@pytest.mark.parametrize("toml", POSSIBLE)
def test_what_is_just_possible_is_taken(toml: str, tmp_path: Path) -> None:
    _write(tmp_path, toml)
    load_model(tmp_path, "diabetes")


def test_every_combination_has_a_test() -> None:
    assert {row for row, _, _ in IMPOSSIBLE} == set(range(len(MODEL_COMBINATIONS)))
