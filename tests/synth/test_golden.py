from __future__ import annotations

import difflib

import pytest

from tests.synth.harness import GOLDEN, STAGES, VARIATIONS, Templates, golden_path, normalised

# CloudFormation replaces a resource whose logical id changes; with these, data goes. Models' have none.
STATEFUL = {
    "slipway-local": {"Data666C94C7", "Images2D38C313"},
    "slipway-dev": {"Data666C94C7", "Images2D38C313"},
    "slipway-prod": {"Data666C94C7", "DataAccessLogsC0C25EE4", "Images2D38C313", "Key961B73FD"},
}
SCENARIOS = (*STAGES, *VARIATIONS)
STATEFUL_TYPES = {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::ECR::Repository"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_templates_are_what_was_last_reviewed(scenario: str, templates: dict[str, Templates]) -> None:
    reviewed = {path.name for path in (GOLDEN / scenario).glob("*.template.json")}
    assert reviewed == {golden_path(scenario, stack).name for stack in templates[scenario]}
    for stack, template in templates[scenario].items():
        old = golden_path(scenario, stack).read_text(encoding="utf-8").splitlines()
        difference = "\n".join(difflib.unified_diff(old, normalised(template).splitlines(), lineterm="", n=4))
        assert not difference, (
            f"{stack} changed. If that is meant, run `make golden` and review:\n{difference}"
        )


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_stateful_resources_keep_their_logical_ids(scenario: str, templates: dict[str, Templates]) -> None:
    for stack, template in templates[scenario].items():
        found = {name for name, r in template["Resources"].items() if r["Type"] in STATEFUL_TYPES}
        assert found == STATEFUL.get(stack, set())


def test_a_golden_template_holds_nothing_of_one_model_s_bytes() -> None:
    models = {"iris": "CHAMPION", "digits": "CHAMPION", "wine": "MODEL", "iris-forest": "MODEL"}
    paths = {
        path: name for model, name in models.items() for path in GOLDEN.glob(f"*/*-{model}.template.json")
    }
    for path, name in paths.items():
        text = path.read_text(encoding="utf-8")
        assert f"VERSION-OF-{name}" in text
        assert "SHA256" in text
