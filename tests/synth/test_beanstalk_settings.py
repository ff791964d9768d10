from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.errors import SettingsError
from stacks.beanstalk_combinations import (
    BEANSTALK_COMBINATIONS,
    PLACED_COMBINATIONS,
    Placed,
    require_deployable,
    without_effect,
)
from stacks.serve_settings import ServeSection
from stacks.settings import (
    ModelSettings,
    StageSettings,
    environment_name,
    load_model,
    load_stage,
    stack_name,
)
from tests.synth.harness import CERTIFICATE, ROOT

_MODEL = '[model]\ntask = "classification"\ndata = "sklearn:digits"\nlabel = "digit"\n[serve]\n'
BEANSTALK = 'target = "beanstalk"\n'
LAMBDA = 'target = "lambda"\n'
VPC = 'vpc_id = "vpc-01234567"\nsubnet_ids = ["subnet-01234567"]\n'
TWO = 'load_balancer_subnet_ids = ["subnet-01234567", "subnet-89abcdef"]\n'
TLS = f'certificate_arn = "{CERTIFICATE}"\ndomain_name = "iris.example.com"\n'
INTERNAL = "internal = true\n"


def _model(root: Path, text: str, **overrides: Any) -> ModelSettings:
    folder = root / "model_code" / "digits"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.toml").write_text(_MODEL + text, encoding="utf-8")
    return load_model(root, "digits", {f"serve.{key}": value for key, value in overrides.items()})


def _serve(root: Path, text: str) -> ServeSection:
    return _model(root, text).serve


def _stage(name: str, **more: Any) -> StageSettings:
    return load_stage(ROOT, name).model_copy(update=more)


# The table of stacks/beanstalk_combinations.py, each with the key and value that its error names.
IMPOSSIBLE: list[tuple[int, str, str]] = [
    (0, BEANSTALK + 'variants = [{name = "champion"}]\n', "serve.variants = ['champion']"),
    (1, BEANSTALK + "max_concurrency = 5\n", "serve.max_concurrency = 5"),
    (1, BEANSTALK + "front_door = true\n", "serve.front_door = True"),
    (2, BEANSTALK + "memory_mb = 1024\n", "serve.memory_mb = 1024"),
    (2, BEANSTALK + "provisioned_concurrency = 1\n", "serve.provisioned_concurrency = 1"),
    (2, BEANSTALK + 'architecture = "arm64"\n', "serve.architecture = 'arm64'"),
    (2, BEANSTALK + "timeout_s = 5\n", "serve.timeout_s = 5"),
    (2, BEANSTALK + 'model_source = "s3"\n', "serve.model_source = 's3'"),
    (2, BEANSTALK + "snap_start = true\n", "serve.snap_start = True"),
    (2, BEANSTALK + "reserved_concurrency = 5\n", "serve.reserved_concurrency = 5"),
    (2, BEANSTALK + 'security_group_ids = ["sg-01234567"]\n', "serve.security_group_ids = ['sg-01234567']"),
    (3, BEANSTALK + 'auth = "iam"\n', "serve.auth = 'iam'"),
    (3, BEANSTALK + "throttle_rate = 5\n", "serve.throttle_rate = 5.0"),
    (3, BEANSTALK + "throttle_burst = 5\n", "serve.throttle_burst = 5"),
    (3, BEANSTALK + "quota_per_day = 5\n", "serve.quota_per_day = 5"),
    (3, BEANSTALK + 'cors_origins = ["https://a.example"]\n', "serve.cors_origins = ['https://a.example']"),
    (4, BEANSTALK + 'package = "zip"\n', "serve.package = 'zip'"),
    (5, 'ec2_instance_types = ["t3.small"]\n', "serve.ec2_instance_types = ['t3.small']"),
    (5, "max_instance_count = 4\n", "serve.max_instance_count = 4"),
    (5, 'vpc_id = "vpc-01234567"\n', "serve.vpc_id = 'vpc-01234567'"),
    (5, LAMBDA + TWO, "serve.load_balancer_subnet_ids = ['subnet-01234567', 'subnet-89abcdef']"),
    (5, LAMBDA + INTERNAL, "serve.internal = True"),
    (5, f'certificate_arn = "{CERTIFICATE}"\n', f"serve.certificate_arn = '{CERTIFICATE}'"),
    (5, 'domain_name = "iris.example.com"\n', "serve.domain_name = 'iris.example.com'"),
    (5, 'deployment = "rolling"\n', "serve.deployment = 'rolling'"),
    (5, 'platform_version = "4.13.7"\n', "serve.platform_version = '4.13.7'"),
    (6, LAMBDA + 'package = "source"\n', "serve.package = 'source'"),
    (6, 'package = "source"\n', "serve.package = 'source'"),
    (7, BEANSTALK + f'certificate_arn = "{CERTIFICATE}"\n', f"serve.certificate_arn = '{CERTIFICATE}'"),
    (7, BEANSTALK + 'domain_name = "iris.example.com"\n', "serve.domain_name = 'iris.example.com'"),
    (8, BEANSTALK + 'vpc_id = "vpc-01234567"\n', "serve.vpc_id = 'vpc-01234567'"),
    (8, BEANSTALK + 'subnet_ids = ["subnet-01234567"]\n', "serve.subnet_ids = ['subnet-01234567']"),
    (8, BEANSTALK + TWO, "serve.load_balancer_subnet_ids = ['subnet-01234567', 'subnet-89abcdef']"),
    (
        9,
        BEANSTALK + VPC + 'load_balancer_subnet_ids = ["subnet-01234567"]\n',
        "serve.load_balancer_subnet_ids = ['subnet-01234567']",
    ),
    (
        9,
        BEANSTALK + VPC + 'load_balancer_subnet_ids = ["subnet-01234567", "subnet-01234567"]\n',
        "serve.load_balancer_subnet_ids = ['subnet-01234567', 'subnet-01234567']",
    ),
    (10, BEANSTALK + INTERNAL, "serve.internal = True"),
]


@pytest.mark.parametrize(("row", "toml", "what"), IMPOSSIBLE)
def test_a_combination_that_cannot_be_names_key_value_cause_and_remedy(
    row: int, toml: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        _serve(tmp_path, toml)
    assert refused.value.what == f"model_code/digits/model.toml: {what} is not allowed."
    combination = BEANSTALK_COMBINATIONS[row]
    assert (refused.value.why, refused.value.fix) == (combination.why, combination.fix)


def test_every_combination_has_a_test() -> None:
    assert {row for row, _, _ in IMPOSSIBLE} == set(range(len(BEANSTALK_COMBINATIONS)))
    assert {row for row, *_ in MISPLACED} == set(range(len(PLACED_COMBINATIONS)))


# What one stage cannot have, though another one can.
MISPLACED: list[tuple[int, str, dict[str, Any], str, str]] = [
    (0, "prod", {}, "max_instance_count = 1\n", "serve.max_instance_count = 1"),
    (0, "prod", {}, "instance_count = 5\nmax_instance_count = 4\n", "serve.max_instance_count = 4"),
    (
        1,
        "prod",
        {},
        'deployment = "rolling"\nmax_instance_count = 2\n',
        "serve.deployment = 'rolling'",
    ),
    (2, "prod", {}, VPC, "serve.vpc_id = 'vpc-01234567'"),
    (3, "dev", {}, VPC + TWO + INTERNAL, "serve.internal = True"),
    (4, "prod", {"region": "eu-central-1"}, TLS, f"serve.certificate_arn = '{CERTIFICATE}'"),
    (5, "prod", {"account": "999999999999"}, TLS, f"serve.certificate_arn = '{CERTIFICATE}'"),
]


@pytest.mark.parametrize(("row", "stage", "more", "toml", "what"), MISPLACED)
def test_what_a_stage_cannot_have_is_refused_there(
    row: int, stage: str, more: dict[str, Any], toml: str, what: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as refused:
        require_deployable(_stage(stage, **more), _model(tmp_path, BEANSTALK + toml))
    assert refused.value.what == f"model_code/digits/model.toml: {what} is not allowed."
    combination = PLACED_COMBINATIONS[row]
    assert (refused.value.why, refused.value.fix) == (combination.why, combination.fix)


@pytest.mark.parametrize(
    ("stage", "more", "toml"),
    [
        ("prod", {}, TLS),
        ("prod", {"region": "us-east-1", "account": "123456789012"}, VPC + TWO + TLS + INTERNAL),
        ("prod", {}, "instance_count = 4\nmax_instance_count = 4\n"),
        # A single machine needs no load balancer's subnets, and no certificate.
        ("dev", {"region": "eu-central-1"}, VPC + TLS + 'deployment = "rolling"\nmax_instance_count = 1\n'),
        # Neither does loopback need a certificate.
        ("local", {"region": "eu-central-1"}, TLS),
    ],
)
def test_what_a_stage_can_have_is_taken(stage: str, more: dict[str, Any], toml: str, tmp_path: Path) -> None:
    require_deployable(_stage(stage, **more), _model(tmp_path, BEANSTALK + toml))


@pytest.mark.parametrize(
    ("toml", "what", "help_"),
    [
        ('target = "beanstark"\n', "serve.target = 'beanstark'", "'beanstalk'"),
        (BEANSTALK + 'package = "sources"\n', "serve.package = 'sources'", "'source'"),
        (BEANSTALK + "ec2_instance_types = []\n", "serve.ec2_instance_types", "at least one"),
        (BEANSTALK + 'ec2_instance_types = "t3.small"\n', "serve.ec2_instance_types", '["t3.small"]'),
        (BEANSTALK + 'ec2_instance_types = ["t4g.small"]\n', "serve.ec2_instance_types", "Arm machine"),
        (BEANSTALK + 'ec2_instance_types = ["ml.t3.small"]\n', "serve.ec2_instance_types", "not a machine"),
        (BEANSTALK + "max_instance_count = 0\n", "serve.max_instance_count = 0", "equal to 1"),
        (BEANSTALK + 'vpc_id = "subnet-01234567"\n', "serve.vpc_id", "Write it as vpc-"),
        (BEANSTALK + 'load_balancer_subnet_ids = ["sg-01234567"]\n', "load_balancer_subnet_ids", "subnet-0"),
        (BEANSTALK + 'certificate_arn = "iris"\n', "serve.certificate_arn", "arn:aws:acm:<region>:<account>"),
        (
            BEANSTALK + 'certificate_arn = "arn:aws:iam::123456789012:server-certificate/iris"\n',
            "serve.certificate_arn",
            "AWS Certificate Manager",
        ),
        (BEANSTALK + 'domain_name = "https://iris.example.com"\n', "serve.domain_name", "iris.example.com"),
        (BEANSTALK + 'domain_name = "localhost"\n', "serve.domain_name", "iris.example.com"),
        (BEANSTALK + 'deployment = "all_at_once"\n', "serve.deployment", "'immutable'"),
        (BEANSTALK + 'platform_version = "4.13"\n', "serve.platform_version", "Write it as 4."),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(toml: str, what: str, help_: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        _serve(tmp_path, toml)
    assert what in refused.value.what
    assert help_ in f"{refused.value.what} {refused.value.why} {refused.value.fix}"


@pytest.mark.parametrize(
    "toml",
    [
        BEANSTALK,
        BEANSTALK
        + 'package = "source"\nbase_image = "python:3.13-slim"\ns3_prefixes = ["s3://bucket/rows"]\n',
        BEANSTALK + VPC + TWO + TLS + INTERNAL + 'ec2_instance_types = ["c7i.large", "m5d.xlarge"]\n',
        BEANSTALK + VPC,
        # As a person has them who changes the target alone.
        BEANSTALK + 'image = "xgboost"\ninstance_type = "ml.c5.large"\ninstance_count = 3\n',
    ],
)
def test_what_goes_together_is_taken(toml: str, tmp_path: Path) -> None:
    assert _serve(tmp_path, toml).on_beanstalk


def test_a_package_has_a_default_by_target(tmp_path: Path) -> None:
    assert _serve(tmp_path, BEANSTALK).resolved_package == "image"
    assert _serve(tmp_path, BEANSTALK + 'package = "source"\n').resolved_package == "source"
    assert _serve(tmp_path, LAMBDA).resolved_package == "zip"
    assert _serve(tmp_path, LAMBDA + 'package = "image"\n').resolved_package == "image"


@pytest.mark.parametrize(("model", "removed"), [("iris", {}), ("diabetes", {}), ("digits", {"variants": []})])
def test_changing_the_target_is_the_only_edit(model: str, removed: dict[str, Any]) -> None:
    overrides = {"target": "beanstalk", **removed}
    serve = load_model(ROOT, model, {f"serve.{key}": value for key, value in overrides.items()}).serve
    assert serve.on_beanstalk
    assert not serve.on_sagemaker
    (alone,) = serve.resolved_variants()
    assert alone.instance_type is None


def test_new_machines_come_first_and_on_prod_all_of_them(tmp_path: Path) -> None:
    unsaid, rolling = (_serve(tmp_path, BEANSTALK + more) for more in ("", 'deployment = "rolling"\n'))
    stages = [_stage(name) for name in ("local", "dev", "prod")]
    assert [unsaid.resolved_deployment(stage) for stage in stages] == ["rolling", "immutable", "immutable"]
    assert [rolling.resolved_deployment(stage) for stage in stages] == ["rolling", "immutable", "rolling"]


@pytest.mark.parametrize(
    ("stage", "toml", "counts"),
    [
        ("local", "", (1, 2)),
        ("dev", "instance_count = 3\nmax_instance_count = 6\n", (1, 1)),
        ("prod", "", (2, 4)),
        ("prod", "instance_count = 3\n", (3, 6)),
        ("prod", "max_instance_count = 3\n", (2, 3)),
    ],
)
def test_there_is_room_for_twice_as_many_machines(
    stage: str, toml: str, counts: tuple[int, int], tmp_path: Path
) -> None:
    placed = Placed(_stage(stage), _serve(tmp_path, BEANSTALK + toml))
    assert (placed.min_count, placed.max_count) == counts


def test_what_a_single_machine_makes_nothing_of_is_named(tmp_path: Path) -> None:
    written = 'instance_count = 2\nmax_instance_count = 4\ndeployment = "rolling"\n' + TLS
    serve = _serve(tmp_path, BEANSTALK + written)
    named = {"instance_count", "max_instance_count", "deployment", "certificate_arn", "domain_name"}
    assert set(without_effect(_stage("dev"), serve)) == named
    assert without_effect(_stage("prod"), serve) == []
    assert without_effect(_stage("dev"), _serve(tmp_path, BEANSTALK + 'deployment = "immutable"\n')) == []


def test_a_load_balancer_is_not_for_dev() -> None:
    assert [_stage(name).load_balanced for name in ("local", "dev", "prod")] == [True, False, True]


def test_an_environment_s_name_has_room_for_its_slot() -> None:
    assert environment_name("prod", "iris_forest") == "slipway-prod-iris-forest"
    fits, long, other = ("a" * 21, "a" * 22, "a" * 21 + "b")
    assert environment_name("prod", fits) == stack_name("prod", fits)
    names = [environment_name("prod", model) for model in (fits, long, other, "m" * 38)]
    assert max(map(len, names)) == 34
    assert len(set(names)) == len(names)
