from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.errors import SettingsError
from stacks.lambda_combinations import LAMBDA_COMBINATIONS
from stacks.serve_settings import ServeSection
from stacks.settings import ModelSettings, load_model, load_stage
from tests.synth.harness import ROOT

_MODEL = '[model]\ntask = "classification"\ndata = "sklearn:digits"\nlabel = "digit"\n[serve]\n'
LAMBDA = 'target = "lambda"\n'
IMAGE = LAMBDA + 'package = "image"\n'
DOOR = "front_door = true\n"


def _model(root: Path, text: str, **overrides: Any) -> ModelSettings:
    folder = root / "model_code" / "digits"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.toml").write_text(_MODEL + text, encoding="utf-8")
    return load_model(root, "digits", {f"serve.{key}": value for key, value in overrides.items()})


def _serve(root: Path, text: str) -> ServeSection:
    return _model(root, text).serve


# The table of stacks/lambda_combinations.py, each with the key and value that its error names.
IMPOSSIBLE: list[tuple[int, str, str]] = [
    (0, LAMBDA + 'variants = [{name = "champion"}]\n', "serve.variants = ['champion']"),
    (1, LAMBDA + "max_concurrency = 5\n", "serve.max_concurrency = 5"),
    (1, LAMBDA + 's3_prefixes = ["s3://bucket/rows"]\n', "serve.s3_prefixes = ['s3://bucket/rows']"),
    (1, LAMBDA + DOOR, "serve.front_door = True"),
    (2, 'package = "image"\n', "serve.package = 'image'"),
    (2, 'architecture = "arm64"\n', "serve.architecture = 'arm64'"),
    (2, DOOR + "timeout_s = 5\n", "serve.timeout_s = 5"),
    (2, 'model_source = "s3"\n', "serve.model_source = 's3'"),
    (2, "snap_start = true\n", "serve.snap_start = True"),
    (2, "reserved_concurrency = 5\n", "serve.reserved_concurrency = 5"),
    (2, 'subnet_ids = ["subnet-01234567"]\n', "serve.subnet_ids = ['subnet-01234567']"),
    (2, 'security_group_ids = ["sg-01234567"]\n', "serve.security_group_ids = ['sg-01234567']"),
    (3, 'auth = "none"\n', "serve.auth = 'none'"),
    (3, "throttle_rate = 5\n", "serve.throttle_rate = 5.0"),
    (3, "throttle_burst = 5\n", "serve.throttle_burst = 5"),
    (3, "quota_per_day = 5\n", "serve.quota_per_day = 5"),
    (3, 'cors_origins = ["https://a.example"]\n', "serve.cors_origins = ['https://a.example']"),
    (4, LAMBDA + 'base_image = "python:3.13-slim"\n', "serve.base_image = 'python:3.13-slim'"),
    (5, IMAGE + "snap_start = true\n", "serve.snap_start = True"),
    (
        6,
        LAMBDA + "snap_start = true\nprovisioned_concurrency = 1\n",
        "serve.provisioned_concurrency = 1",
    ),
    (
        7,
        LAMBDA + "reserved_concurrency = 2\nprovisioned_concurrency = 3\n",
        "serve.provisioned_concurrency = 3",
    ),
    (
        7,
        LAMBDA + "reserved_concurrency = 2\nprovisioned_concurrency = 2\n",
        "serve.provisioned_concurrency = 2",
    ),
    (8, LAMBDA + 'subnet_ids = ["subnet-01234567"]\n', "serve.subnet_ids = ['subnet-01234567']"),
    (8, LAMBDA + 'security_group_ids = ["sg-01234567"]\n', "serve.security_group_ids = ['sg-01234567']"),
    (9, LAMBDA + "quota_per_day = 1000\n", "serve.quota_per_day = 1000"),
    (9, LAMBDA + 'auth = "iam"\nquota_per_day = 1000\n', "serve.quota_per_day = 1000"),
    (10, DOOR + 'image = "xgboost"\n', "serve.front_door = True"),
    (
        11,
        DOOR + 'cors_origins = ["https://a.example", "https://b.example"]\n',
        "serve.cors_origins = ['https://a.example', 'https://b.example']",
    ),
]


@pytest.mark.parametrize(("row", "toml", "what"), IMPOSSIBLE)
def test_a_combination_that_cannot_be_names_key_value_cause_and_remedy(
    row: int, toml: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        _serve(tmp_path, toml)
    assert refused.value.what == f"model_code/digits/model.toml: {what} is not allowed."
    combination = LAMBDA_COMBINATIONS[row]
    assert (refused.value.why, refused.value.fix) == (combination.why, combination.fix)


def test_every_combination_has_a_test() -> None:
    assert {row for row, _, _ in IMPOSSIBLE} == set(range(len(LAMBDA_COMBINATIONS)))


@pytest.mark.parametrize(
    ("toml", "what", "help_"),
    [
        ('target = "lamda"\n', "serve.target = 'lamda'", "'lambda'"),
        (LAMBDA + "timeout_s = 30\n", "serve.timeout_s = 30", "less than or equal to 29"),
        (LAMBDA + "timeout_s = 0\n", "serve.timeout_s = 0", "greater than or equal to 1"),
        (LAMBDA + "memory_mb = 64\n", "serve.memory_mb = 64", "greater than or equal to 128"),
        (LAMBDA + "memory_mb = 10241\n", "serve.memory_mb = 10241", "less than or equal to 10240"),
        (LAMBDA + 'cors_origins = ["*"]\n', "serve.cors_origins", "* would be every site"),
        (LAMBDA + 'cors_origins = ["http://a.example"]\n', "serve.cors_origins", "localhost alone"),
        (LAMBDA + 'cors_origins = ["https://a.example/"]\n', "serve.cors_origins", "scheme and host"),
        (LAMBDA + 'subnet_ids = ["sg-01234567"]\n', "serve.subnet_ids", "subnet-0123456789abcdef0"),
        (LAMBDA + 'security_group_ids = ["subnet-01234567"]\n', "serve.security_group_ids", "sg-0123"),
        (LAMBDA + 'auth = "key"\n', "serve.auth = 'key'", "'api_key'"),
        (LAMBDA + "throttle_rate = 0\n", "serve.throttle_rate = 0", "greater than 0"),
        (LAMBDA + "reserved_concurrency = 0\n", "serve.reserved_concurrency = 0", "equal to 1"),
        (LAMBDA + 'timeout = 5\n', "serve.timeout", "timeout_s"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_what_is_allowed(toml: str, what: str, help_: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        _serve(tmp_path, toml)
    assert what in refused.value.what
    assert help_ in f"{refused.value.what} {refused.value.why} {refused.value.fix}"


def test_a_function_has_one_processor_and_ten_seconds(tmp_path: Path) -> None:
    serve = _serve(tmp_path, LAMBDA)
    assert (serve.resolved_memory_mb, serve.timeout_s, serve.resolved_package) == (1769, 10, "zip")
    assert (serve.architecture, serve.model_source, serve.snap_start) == ("x86_64", "package", False)


@pytest.mark.parametrize(
    "toml",
    [
        LAMBDA + 'architecture = "arm64"\nsnap_start = true\nmodel_source = "s3"\n',
        IMAGE + 'base_image = "python:3.13-slim"\nprovisioned_concurrency = 2\nmodel_source = "s3"\n',
        LAMBDA + 'subnet_ids = ["subnet-0123456789abcdef0"]\nsecurity_group_ids = ["sg-01234567"]\n',
        LAMBDA + 'auth = "api_key"\nquota_per_day = 1000\n',
        LAMBDA + 'auth = "none"\ncors_origins = ["https://a.example", "http://localhost:8080"]\n',
        LAMBDA + "reserved_concurrency = 3\nprovisioned_concurrency = 2\n",
        DOOR + 'auth = "api_key"\nquota_per_day = 5\nthrottle_rate = 0.5\n',
    ],
)
def test_what_goes_together_is_taken(toml: str, tmp_path: Path) -> None:
    assert _serve(tmp_path, toml).has_api


def test_everybody_may_call_on_this_machine_and_nobody_unsigned_elsewhere(tmp_path: Path) -> None:
    serve = _serve(tmp_path, LAMBDA)
    assert [serve.resolved_auth(stage) for stage in ("local", "dev", "prod")] == ["none", "iam", "iam"]
    written = _serve(tmp_path, LAMBDA + 'auth = "api_key"\n')
    assert {written.resolved_auth(stage) for stage in ("local", "dev", "prod")} == {"api_key"}


@pytest.mark.parametrize(("model", "removed"), [("iris", {}), ("diabetes", {}), ("digits", {"variants": []})])
def test_changing_the_target_is_the_only_edit(model: str, removed: dict[str, Any]) -> None:
    overrides = {"target": "lambda", **removed}
    serve = load_model(ROOT, model, {f"serve.{key}": value for key, value in overrides.items()}).serve
    assert serve.on_lambda
    (alone,) = serve.resolved_variants()
    assert alone.instance_type is None


def test_waf_is_for_prod() -> None:
    assert [load_stage(ROOT, stage).waf for stage in ("local", "dev", "prod")] == [False, False, True]
