"""What is looked at before a deploy."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from slipway.deployment import require_mapped_region, timed_requests
from slipway.errors import SettingsError
from stacks.serve_settings import ServeSection


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
