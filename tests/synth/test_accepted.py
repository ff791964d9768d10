"""What stays on purpose: each entry is still found, has a reason, and has not expired."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from stacks.accepted import ACCEPTED
from stacks.rules import findings
from stacks.settings import environment_name, stack_name
from stacks.validation import filled_in
from tests.synth.functions import put_package
from tests.synth.harness import MODELS, Templates, build, kind_of, make_project, read_templates

# What a function can be, in as few synths as that takes.
FORMS: list[dict[str, str]] = [
    {
        "model_source": "s3",
        "auth": "api_key",
        "subnet_ids": '["subnet-01234567"]',
        "security_group_ids": '["sg-01234567"]',
    },
    {"package": "image", "cors_origins": '["https://www.example.com"]'},
]


@pytest.mark.parametrize("form", FORMS)
def test_cdk_nag_has_nothing_to_say_about_a_function_of_prod(form: dict[str, str], tmp_path: Path) -> None:
    root = make_project(tmp_path, "wine")
    put_package(root, "wine", **form)
    build(root, tmp_path / "out", stage="prod", **{f"wine.serve.{k}": v for k, v in form.items()}).synth()
    report = json.loads((tmp_path / "out" / "validation-report.json").read_text())
    assert [found for plugin in report["pluginReports"] for found in plugin["violations"]] == []


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

    # Without app.py's acknowledgements: dev does not ask for cdk-nag.
    root = make_project(tmp_path, "iris", "wine", "digits", "iris_forest")
    put_package(root, "wine", model_source="s3")
    put_package(root, "digits", target="lambda", package="image", variants="[]")
    asked = {
        **{f"iris.{section}.schedule": "rate(1 day)" for section in ("train", "batch")},
        "iris.serve.front_door": "true",
        "wine.serve.model_source": "s3",
        "digits.serve.target": "lambda",
        "digits.serve.package": "image",
        "digits.serve.variants": "[]",
    }
    context = {**FLAGS, "stage": "dev", **asked}
    app = App(analytics_reporting=False, outdir=str(tmp_path / "out"), context=context)
    slipway_app.build(app, root)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    found = {
        (kind_of(name), f.resource, f.rule)
        for scenario, stacks in {**templates, "dev-asked": read_templates(tmp_path / "out")}.items()
        for name, template in stacks.items()
        for f in findings(template, scenario.partition("-")[0])
    }
    for plugin in json.loads((tmp_path / "out" / "validation-report.json").read_text())["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                stack, _, path = construct["constructPath"].partition("/")
                found.add((kind_of(stack), path, violation["ruleName"]))
    unused = []
    for entry in ACCEPTED:
        for model in ("iris", "wine", "iris_forest"):
            names = {"{stack}": stack_name("dev", model), "{model}": model, "{stage}": "dev"}
            names["{environment}"] = environment_name("dev", model)
            if (entry.stack, filled_in(entry.path, names), filled_in(entry.finding, names)) in found:
                break
        else:
            unused.append(entry)
    assert unused == []


def test_no_accepted_finding_has_expired() -> None:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    for entry in ACCEPTED:
        assert entry.reason
        accepted, expires = map(datetime.date.fromisoformat, (entry.accepted, entry.expires))
        assert accepted <= today < expires, f"look at it again: {entry}"
        assert (expires - accepted).days <= 366
