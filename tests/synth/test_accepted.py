"""What stays on purpose: each entry is still found, has a reason, and has not expired."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from stacks.accepted import ACCEPTED
from stacks.rules import findings
from stacks.validation import filled_in
from tests.synth.harness import MODELS, STAGES, Templates, build, kind_of, make_project


@pytest.mark.parametrize("pinned", ["", 'account = "123456789012"', 'region = "eu-west-1"', "both"])
def test_cdk_nag_has_nothing_to_say_about_prod_that_was_not_accepted(pinned: str, tmp_path: Path) -> None:
    root = make_project(tmp_path, *MODELS)
    stages = root / "stages.toml"
    where = 'account = "123456789012"\nregion = "eu-west-1"' if pinned == "both" else pinned
    stages.write_text(stages.read_text().replace("[prod]", f"[prod]\n{where}\n#"))
    build(root, tmp_path / "out", stage="prod").synth()
    report = json.loads((tmp_path / "out" / "validation-report.json").read_text())
    names = {plugin["pluginName"] for plugin in report["pluginReports"]}
    assert [plugin["violations"] for plugin in report["pluginReports"] if plugin["violations"]] == [], names


def test_every_accepted_finding_is_still_found(tmp_path: Path, templates: dict[str, Templates]) -> None:
    from aws_cdk import App, Validations
    from cdk_nag import AwsSolutionsChecks, ServerlessChecks

    import app as slipway_app
    from tests.synth.harness import FLAGS

    found = {
        (kind_of(name), f.resource, f.rule)
        for stage in STAGES
        for name, template in templates[stage].items()
        for f in findings(template, stage)
    }
    # Without app.py's acknowledgements: dev does not ask for cdk-nag.
    root = make_project(tmp_path)
    schedules = {f"iris.{section}.schedule": "rate(1 day)" for section in ("train", "batch")}
    context = {**FLAGS, "stage": "dev", **schedules}
    app = App(analytics_reporting=False, outdir=str(tmp_path / "out"), context=context)
    slipway_app.build(app, root)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    for plugin in json.loads((tmp_path / "out" / "validation-report.json").read_text())["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                stack, _, path = construct["constructPath"].partition("/")
                found.add((kind_of(stack), path, violation["ruleName"]))
    names = {"{stack}": "slipway-dev-iris", "{model}": "iris"}
    accepted = {entry: (entry.stack, entry.path, filled_in(entry.finding, names)) for entry in ACCEPTED}
    unused = [entry for entry, finding in accepted.items() if finding not in found]
    assert unused == []


def test_no_accepted_finding_has_expired() -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    for entry in ACCEPTED:
        assert entry.reason
        accepted, expires = map(datetime.date.fromisoformat, (entry.accepted, entry.expires))
        assert accepted <= today < expires, f"look at it again: {entry}"
        assert (expires - accepted).days <= 366
