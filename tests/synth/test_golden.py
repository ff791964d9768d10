from __future__ import annotations

import difflib

import pytest

from tests.synth.harness import GOLDEN, STAGES, Templates, golden_path, normalised

# CloudFormation replaces a resource whose logical id changes; with these, data goes.
STATEFUL = {
    "local": {"slipway-local": {"Data666C94C7", "Images2D38C313"}, "slipway-local-iris": set()},
    "dev": {"slipway-dev": {"Data666C94C7", "Images2D38C313"}, "slipway-dev-iris": set()},
    "prod": {
        "slipway-prod": {"Data666C94C7", "DataAccessLogsC0C25EE4", "Images2D38C313", "Key961B73FD"},
        "slipway-prod-iris": set(),
    },
}
STATEFUL_TYPES = {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::ECR::Repository"}


@pytest.mark.parametrize("stage", STAGES)
def test_templates_are_what_was_last_reviewed(stage: str, templates: dict[str, Templates]) -> None:
    reviewed = {path.name for path in (GOLDEN / stage).glob("*.template.json")}
    assert reviewed == {golden_path(stage, stack).name for stack in templates[stage]}
    for stack, template in templates[stage].items():
        old = golden_path(stage, stack).read_text(encoding="utf-8").splitlines()
        difference = "\n".join(difflib.unified_diff(old, normalised(template).splitlines(), lineterm="", n=4))
        assert not difference, (
            f"{stack} changed. If that is meant, run `make golden` and review:\n{difference}"
        )


@pytest.mark.parametrize("stage", STAGES)
def test_stateful_resources_keep_their_logical_ids(stage: str, templates: dict[str, Templates]) -> None:
    for stack, template in templates[stage].items():
        found = {name for name, r in template["Resources"].items() if r["Type"] in STATEFUL_TYPES}
        assert found == STATEFUL[stage][stack]


def test_a_golden_template_holds_nothing_of_one_model_s_bytes() -> None:
    for path in GOLDEN.glob("*/*-iris.template.json"):
        text = path.read_text(encoding="utf-8")
        assert "VERSION" in text
        assert "SHA256" in text
