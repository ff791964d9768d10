"""The stack of a model on Elastic Beanstalk: what it makes, in which order, and what a change replaces."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import NoEngine, PackageMissing, SettingsError
from stacks.platforms import DOCKER_VERSION
from stacks.template_reading import rendered
from tests.synth.functions import put_package
from tests.synth.harness import (
    STAGES,
    Templates,
    build,
    make_artifact,
    make_project,
    only,
    rights,
    synthesize,
)

Template = dict[str, Any]
ENVIRONMENT, VERSION = "AWS::ElasticBeanstalk::Environment", "AWS::ElasticBeanstalk::ApplicationVersion"
APPLICATION, LIVE = "AWS::ElasticBeanstalk::Application", "Custom::SlipwayLiveEnvironment"
CLEANUP = "Custom::SlipwayEnvironmentCleanup"
MODEL = "iris_forest"


def _stack(templates: dict[str, Templates], scenario: str) -> Template:
    return templates[scenario][f"slipway-{scenario.partition('-')[0]}-iris-forest"]


def _named(template: Template, kind: str) -> str:
    (name,) = (name for name, resource in template["Resources"].items() if resource["Type"] == kind)
    return str(name)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("project"), MODEL)


def _forest(root: Path, **serve: str) -> Template:
    put_package(root, MODEL, **serve)
    context = {f"{MODEL}.serve.{key}": value for key, value in serve.items()}
    out = root / "out" / "-".join(["dev", *serve])
    return synthesize(root, out, stage="dev", models=MODEL, **context)["slipway-dev-iris-forest"]


def test_an_environment_runs_the_bundle_s_version_of_its_application(prod: Templates) -> None:
    template = prod["slipway-prod-iris-forest"]
    environment, version = only(template, ENVIRONMENT)["Properties"], only(template, VERSION)
    assert only(template, APPLICATION)["Properties"]["ApplicationName"] == "slipway-prod-iris-forest"
    assert environment["ApplicationName"] == "slipway-prod-iris-forest"
    assert version["Properties"]["ApplicationName"] == "slipway-prod-iris-forest"
    # It names the application, and has no reference to it.
    assert _named(template, APPLICATION) in version["DependsOn"]
    assert environment["VersionLabel"] == {"Ref": _named(template, VERSION)}
    assert environment["Tier"] == {"Name": "WebServer", "Type": "Standard"}
    assert version["Properties"]["SourceBundle"]["S3Key"].endswith(".zip")


@pytest.mark.parametrize("scenario", [*STAGES, "prod-environment-vpc"])
def test_a_change_of_the_platform_replaces_no_environment(
    scenario: str, templates: dict[str, Templates]
) -> None:
    properties = only(_stack(templates, scenario), ENVIRONMENT)["Properties"]
    # SolutionStackName and CNAMEPrefix cannot change without another environment.
    assert not {"SolutionStackName", "CNAMEPrefix", "TemplateName"} & properties.keys()
    # The stage local names its region, and with it the partition.
    local = scenario == "local"
    partition, region = ("aws", "us-east-1") if local else ("<AWS::Partition>", "<AWS::Region>")
    assert rendered(properties["PlatformArn"]) == (
        f"arn:{partition}:elasticbeanstalk:{region}::platform/"
        f"Docker running on 64bit Amazon Linux 2023/{DOCKER_VERSION}"
    )


def test_the_slot_alone_makes_another_environment(prod: Templates) -> None:
    template = prod["slipway-prod-iris-forest"]
    parameter = template["Parameters"]["Slot"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("blue", ["blue", "green"])
    environment = dict(only(template, ENVIRONMENT)["Properties"])
    assert rendered(environment.pop("EnvironmentName")) == "slipway-prod-iris-forest-<Slot>"
    # Whatever else had the slot in it would be made twice, or change with a swap.
    assert "Slot" not in str(environment)
    others = {n: r for n, r in template["Resources"].items() if r["Type"] != ENVIRONMENT}
    assert "{'Ref': 'Slot'}" not in str(others)


def test_a_new_version_of_the_model_is_no_change_of_tags_of_the_environment(prod: Templates) -> None:
    template = prod["slipway-prod-iris-forest"]
    tags = {tag["Key"]: tag["Value"] for tag in only(template, ENVIRONMENT)["Properties"]["Tags"]}
    assert tags == {"Project": "slipway", "Stage": "prod", "Model": "iris_forest"}


def test_what_beanstalk_leaves_goes_after_the_environment_and_before_the_application(prod: Templates) -> None:
    template = prod["slipway-prod-iris-forest"]
    assert _named(template, CLEANUP) in only(template, ENVIRONMENT)["DependsOn"]
    assert _named(template, APPLICATION) in only(template, CLEANUP)["DependsOn"]


def test_an_environment_is_live_only_after_it_was_checked(templates: dict[str, Templates]) -> None:
    for scenario, drain in (("local", "0"), ("dev", "90"), ("prod", "90")):
        template = _stack(templates, scenario)
        live, version = only(template, LIVE), {"Ref": _named(template, VERSION)}
        assert _named(template, ENVIRONMENT) in live["DependsOn"]
        assert live["Properties"]["EnvironmentName"] == {"Ref": _named(template, ENVIRONMENT)}
        assert live["Properties"]["VersionLabel"] == version
        assert live["Properties"]["DrainSeconds"] == drain
        # A new image, machine or platform under the same version is checked as well.
        environment = only(template, ENVIRONMENT)["Properties"]
        for changes in ("OptionSettings", "PlatformArn"):
            assert live["Properties"][changes] == environment[changes]


@pytest.mark.parametrize("scenario", [*STAGES, "prod-environment-vpc"])
def test_the_stack_says_where_the_live_environment_answers(
    scenario: str, templates: dict[str, Templates]
) -> None:
    template = _stack(templates, scenario)
    told = {name: rendered(output["Value"]) for name, output in template["Outputs"].items()}
    live = _named(template, LIVE)
    assert told.pop("ModelVersion").isalnum()
    assert told.pop("DomainName", None) == ("iris.example.com" if "vpc" in scenario else None)
    assert told == {
        "ApplicationName": f"slipway-{scenario.partition('-')[0]}-iris-forest",
        "EnvironmentName": f"<{_named(template, ENVIRONMENT)}>",
        "EnvironmentUrl": f"<{live}.EndpointUrl>",
        "EnvironmentCname": f"<{live}.Cname>",
    }


@pytest.mark.parametrize("scenario", [*STAGES, "prod-environment-vpc"])
def test_everything_of_a_stack_goes_with_it(scenario: str, templates: dict[str, Templates]) -> None:
    for name, resource in _stack(templates, scenario)["Resources"].items():
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        if resource["Type"].startswith(("AWS::ElasticBeanstalk", "AWS::IAM", "Custom::")):
            assert policies == ("Delete", "Delete"), name


def test_machines_that_build_their_image_pull_none(templates: dict[str, Templates]) -> None:
    pulls = {
        scenario: {action for action, _ in rights(_stack(templates, scenario), "InstanceProfileRole")}
        for scenario in ("prod", "prod-environment-vpc")
    }
    assert "ecr:GetAuthorizationToken" in pulls["prod"]
    assert not [action for action in pulls["prod-environment-vpc"] if action.startswith("ecr:")]


def test_another_bundle_is_another_version_of_the_same_environment(root: Path, dev: Templates) -> None:
    before = dev["slipway-dev-iris-forest"]
    make_artifact(root, MODEL, b"another model", joblib=False)
    after = _forest(root)
    key = [only(t, VERSION)["Properties"]["SourceBundle"]["S3Key"] for t in (before, after)]
    assert key[0] != key[1]
    assert [_named(t, ENVIRONMENT) for t in (before, after)] == [_named(before, ENVIRONMENT)] * 2
    names = [rendered(only(t, ENVIRONMENT)["Properties"]["EnvironmentName"]) for t in (before, after)]
    assert names[0] == names[1]


def test_requests_that_name_objects_are_read_with_the_machine_s_role(root: Path) -> None:
    template = _forest(root, s3_prefixes='["s3://some-bucket/rows"]')
    allowed = rights(template, "InstanceProfileRole")
    assert ("s3:GetObject", "arn:<AWS::Partition>:s3:::some-bucket/rows/*") in allowed
    told = {
        option["OptionName"]: rendered(option["Value"])
        for option in only(template, ENVIRONMENT)["Properties"]["OptionSettings"]
    }
    assert told["SLIPWAY_S3_PREFIXES"] == "s3://some-bucket/rows"
    assert told["AWS_DEFAULT_REGION"] == "<AWS::Region>"


def test_a_single_machine_says_what_it_makes_nothing_of(root: Path) -> None:
    put_package(root, MODEL)
    context = {f"{MODEL}.serve.max_instance_count": "4"}
    app = build(root, root / "out" / "noted", stage="dev", models=MODEL, **context)
    stack = app.node.find_child("slipway-dev-iris-forest")
    notes = [str(entry.data) for entry in stack.node.metadata if entry.type == "aws:cdk:info"]
    (note,) = notes
    assert "serve.max_instance_count has no effect: the stage dev has a single machine" in note


def test_a_model_without_a_bundle_says_which_command_builds_it(tmp_path: Path) -> None:
    root = make_project(tmp_path, MODEL)
    shutil.rmtree(root / ".slipway" / "packages")
    with pytest.raises(PackageMissing) as missing:
        build(root, tmp_path / "out", stage="dev", models=MODEL)
    assert missing.value.fix == "Run: slipway train iris_forest"


def test_what_a_stage_cannot_have_stops_synth(root: Path) -> None:
    context = {f"{MODEL}.serve.max_instance_count": "1"}
    with pytest.raises(SettingsError, match="max_instance_count = 1"):
        build(root, root / "out" / "refused", stage="prod", models=MODEL, **context)


def test_a_model_that_no_engine_serves_is_refused(tmp_path: Path) -> None:
    root = make_project(tmp_path, MODEL)
    make_artifact(root, MODEL, b"other", joblib=False, engine="none")
    with pytest.raises(NoEngine):
        build(root, tmp_path / "out", stage="dev", models=MODEL)
