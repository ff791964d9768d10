"""What is looked at before a deploy."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from slipway.deployment import changed_files, require_mapped_region, timed_requests
from slipway.errors import SettingsError
from stacks.serve_settings import ServeSection
from stacks.settings import load_model
from training.artifact import load_artifact
from training.train import train


def stage_in(region, *, pinned=None):
    return SimpleNamespace(
        stage=SimpleNamespace(name="dev", region=pinned), session=SimpleNamespace(region_name=region)
    )


def test_a_region_without_aws_images_has_to_be_said_in_stages_toml():
    with pytest.raises(SettingsError, match="in mx-central-1") as refused:
        require_mapped_region(stage_in("mx-central-1"))

    assert 'region = "mx-central-1"' in refused.value.fix
    require_mapped_region(stage_in("mx-central-1", pinned="mx-central-1"))
    require_mapped_region(stage_in("eu-central-1"))


@pytest.mark.parametrize(
    ("limits", "requests"),
    [({}, 50), ({"quota_per_day": 200}, 10), ({"quota_per_day": 3}, 1), ({"throttle_burst": 4}, 4)],
)
def test_a_deploy_leaves_callers_their_quota_and_is_not_throttled_itself(limits, requests):
    assert timed_requests(ServeSection(target="lambda", auth="api_key", **limits)) == requests


def test_a_deploy_knows_which_files_changed_since_training(project):
    train(project, load_model(project, "iris"))
    artifact = load_artifact(project, "iris")
    assert changed_files(load_model(project, "iris"), artifact) == []

    folder = project / "model_code" / "iris"
    (folder / "inference.py").write_text("from serving.script_mode import predict_fn\n")
    settings = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(settings.replace("C = 0.5", "C = 0.6"))
    assert changed_files(load_model(project, "iris"), artifact) == ["model.toml", "inference.py"]
