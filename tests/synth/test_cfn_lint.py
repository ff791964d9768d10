from __future__ import annotations

import json

import pytest
from cfnlint import lint
from cfnlint.helpers import REGIONS
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from stacks.images import SKLEARN
from tests.synth.harness import STAGES, VARIATIONS, Templates

# A stack without a region can go to any of these. cfn-lint takes all at once: it checks a template once for
# all regions that share a schema.
COMMERCIAL = sorted(
    r for r in SKLEARN.accounts if r in REGIONS and not r.startswith(("cn-", "us-gov", "us-iso"))
)
# "DependsOn is already enforced by a GetAtt": the model says that it waits for its role, whatever it reads.
IGNORED = {"W3005"}


def _regions_with_all_types() -> list[str]:
    """Return where models can be deployed: some regions have no endpoints, and some no model registry."""
    found = []
    for region in COMMERCIAL:
        try:
            for kind in ("EndpointConfig", "ModelPackageGroup"):
                PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, f"AWS::SageMaker::{kind}")
        except Exception:  # it has several errors for a type that a region lacks
            continue
        found.append(region)
    return found


@pytest.mark.parametrize("stage", [*STAGES, *VARIATIONS])
def test_cfn_lint_has_nothing_to_say_in_any_commercial_region(
    stage: str, templates: dict[str, Templates]
) -> None:
    regions = _regions_with_all_types()
    assert len(regions) >= 25
    for name, template in templates[stage].items():
        # cfn-lint knows state machines of one partition; which it is follows from the region, at deploy.
        text = json.dumps(template).replace("arn:${Partition}:states", "arn:aws:states")
        found = [match for match in lint(text, regions=regions) if match.rule.id not in IGNORED]
        assert found == [], name


def test_cfn_lint_finds_a_machine_that_does_not_exist(dev: Templates) -> None:
    text = json.dumps(dev["slipway-dev-iris"]).replace("ml.m5.large", "ml.m5.huge")
    assert "E3030" in {match.rule.id for match in lint(text, regions=["us-east-1"])}
