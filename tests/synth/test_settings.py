from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import ArtifactMissing, SettingsError, SlipwayError, UnknownModel
from stacks.job_settings import BatchSection
from tests.synth.harness import FLAGS, build, make_project, synthesize, write_toml

_IRIS = '[model]\ntask = "classification"\ndata = "sklearn:iris"\nlabel = "species"\n'


@pytest.mark.parametrize(
    ("toml", "what", "help_"),
    [
        (
            _IRIS + '[serve]\ninstnce_type = "ml.m5.large"\n',
            "unknown key 'serve.instnce_type'",
            "Did you mean 'instance_type'?",
        ),
        (
            _IRIS + '[serve]\ninstance_count = "two"\n',
            "serve.instance_count = 'two' is not allowed",
            "integer",
        ),
        (
            _IRIS + "[serve]\ninstance_count = 0\n",
            "serve.instance_count = 0 is not allowed",
            "greater than or equal to 1",
        ),
        (
            _IRIS + '[serve]\ntarget = "sagemaka"\n',
            "serve.target = 'sagemaka' is not allowed",
            "Did you mean 'sagemaker'?",
        ),
        (
            _IRIS + '[serve]\ninstance_type = "m5.large"\n',
            "serve.instance_type = 'm5.large' is not allowed",
            "Write it as ml.m5.large.",
        ),
        (_IRIS + "[gate]\nr2 = 0.5\n", "gate", "r2 is not a metric of a classification model"),
        (_IRIS.replace('label = "species"\n', ""), "model.label is missing", ""),
        ("[model\n", "is not TOML", ""),
    ],
)
def test_a_wrong_model_file_says_which_key_and_what_is_allowed(
    toml: str, what: str, help_: str, tmp_path: Path
) -> None:
    root = make_project(tmp_path)
    write_toml(root, "iris", toml)
    with pytest.raises(SettingsError) as refused:
        build(root, tmp_path / "out", stage="dev")
    assert what in refused.value.what
    assert help_ in f"{refused.value.why} {refused.value.fix}"


@pytest.mark.parametrize(
    ("context", "kind", "text"),
    [
        ({"stage": "prd"}, SettingsError, "Did you mean 'prod'?"),
        ({"models": "irs"}, UnknownModel, "Did you mean 'iris'?"),
        ({"irs.serve.instance_count": "2"}, UnknownModel, "Did you mean 'iris'?"),
        ({"iris.serve.instance_cnt": "2"}, SettingsError, "Did you mean 'instance_count'?"),
        ({"iris.serve.instance_count": "many"}, SettingsError, "is not allowed"),
    ],
)
def test_a_wrong_override_says_what_was_meant(
    context: dict[str, str], kind: type[SlipwayError], text: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as refused:
        build(make_project(tmp_path), tmp_path / "out", **context)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(1 days)",
        "rate(7 day)",
        "rate(0 days)",
        "cron(0 3 * * * *)",
        "cron(0 3 ? * ? *)",
        "cron(0 3 * * ?)",
    ],
)
def test_a_schedule_that_eventbridge_refuses_is_refused_here(schedule: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cron"):
        build(make_project(tmp_path), tmp_path / "out", **{"iris.train.schedule": schedule})


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(1 day)",
        "rate(12 hours)",
        "cron(0 3 ? * MON *)",
        "cron(0/15 8-17 ? * 2#1 *)",
        "cron(0 0 L * ? 2027)",
    ],
)
def test_a_schedule_that_eventbridge_takes_is_taken(schedule: str) -> None:
    assert BatchSection(schedule=schedule).schedule == schedule


def test_a_wrong_stage_file_is_refused(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    (root / "stages.toml").write_text('[prod]\nencrypton = "kms"\n')
    with pytest.raises(SettingsError, match="Did you mean 'encryption'"):
        build(root, tmp_path / "out", stage="prod")


def test_a_model_without_an_artifact_names_the_command_that_trains_it(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    write_toml(root, "wine", _IRIS)
    (root / "model_code" / "wine" / "train.py").touch()
    with pytest.raises(ArtifactMissing, match="slipway train wine"):
        build(root, tmp_path / "out", stage="dev")


def test_context_of_cdk_itself_is_no_setting(tmp_path: Path) -> None:
    own = {
        "aws:cdk:enable-path-metadata": "false",
        "availability-zones:account=123456789012:region=eu-west-1": "eu-west-1a",
        "@aws-cdk/core:newStyleStackSynthesis": "true",
        "cli-telemetry": "false",
    }
    assert any(key.startswith("@aws-cdk") for key in FLAGS)
    assert "slipway-dev-iris" in synthesize(make_project(tmp_path), tmp_path / "out", stage="dev", **own)


def test_a_model_that_is_named_twice_is_one_stack(tmp_path: Path) -> None:
    templates = synthesize(make_project(tmp_path), tmp_path / "out", stage="dev", models="iris, iris")
    assert templates.keys() == {"slipway-dev", "slipway-dev-iris"}


def test_account_and_region_of_a_stage_are_used_and_else_left_open(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    (root / "stages.toml").write_text('[prod]\naccount = "123456789012"\nregion = "eu-west-1"\n')
    pinned = build(root, tmp_path / "a", stage="prod").node.find_child("slipway-prod-iris")
    open_ = build(root, tmp_path / "b", stage="dev").node.find_child("slipway-dev-iris")
    assert pinned.environment == "aws://123456789012/eu-west-1"
    assert open_.environment == "aws://unknown-account/unknown-region"


def test_models_are_folders_and_another_one_needs_no_code(tmp_path: Path) -> None:
    root = make_project(tmp_path, "iris", "breast_cancer", "houses")
    write_toml(root, "breast_cancer", _IRIS.replace("iris", "breast_cancer").replace("species", "diagnosis"))
    write_toml(
        root,
        "houses",
        '[model]\ntask = "regression"\ndata = "data/houses.csv"\nlabel = "price"\n[gate]\nr2 = 0.4\n',
    )
    templates = synthesize(root, tmp_path / "out", stage="prod")
    assert templates.keys() == {
        "slipway-prod",
        "slipway-prod-iris",
        "slipway-prod-breast-cancer",
        "slipway-prod-houses",
    }
    for name, template in templates.items():
        if name != "slipway-prod":
            assert template["Resources"].keys() == templates["slipway-prod-iris"]["Resources"].keys()
    assert synthesize(root, tmp_path / "one", stage="dev", models="houses").keys() == {
        "slipway-dev",
        "slipway-dev-houses",
    }
