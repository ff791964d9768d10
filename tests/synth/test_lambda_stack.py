"""The stack of a model on Lambda: what it makes, in which order, and what publishes a new version."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import PackageMissing
from stacks.validation import unaccepted
from tests.synth.functions import put_package, resource
from tests.synth.harness import Templates, make_artifact, make_project, only, rights, synthesize

Template = dict[str, Any]
STACK = "slipway-dev-wine"
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
TRACE = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
MODELS = "arn:<AWS::Partition>:s3:::<BucketName>/models/wine/*"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("project"), "wine")


def _wine(root: Path, stage: str = "dev", **serve: str) -> Template:
    put_package(root, "wine", **serve)
    context = {f"wine.serve.{key}": value for key, value in serve.items()}
    out = root / "out" / "-".join([stage, *serve.values()]).replace("/", "").replace('"', "")
    return synthesize(root, out, stage=stage, models="wine", **context)[f"slipway-{stage}-wine"]


def _allowed(template: Template, construct: str) -> set[tuple[str, str]]:
    return set(rights(template, construct))


def _function(template: Template) -> Template:
    return resource(template, "Function(?:Image)?")["Properties"]


def _version(template: Template) -> str:
    (name,) = (n for n, r in template["Resources"].items() if r["Type"] == "AWS::Lambda::Version")
    return str(name)


def _named(template: Template, kind: str) -> str:
    (name,) = (n for n, r in template["Resources"].items() if r["Type"] == kind)
    return str(name)


def test_the_function_reads_no_bucket_and_writes_its_own_log_alone(dev: Templates) -> None:
    log = "<FunctionLogsB2C1DB5C.Arn>"
    expected = {(action, log) for action in LOGS} | {(action, "*") for action in TRACE}
    assert _allowed(dev[STACK], "FunctionRole") == expected


def test_a_function_with_its_model_in_the_bucket_reads_this_model_s_objects(
    templates: dict[str, Templates],
) -> None:
    template = templates["prod-function-s3"]["slipway-prod-wine"]
    allowed = {action for action in _allowed(template, "FunctionRole") if not action[0].startswith("ec2:")}
    expected = {(action, "<FunctionLogsB2C1DB5C.Arn>") for action in LOGS} | {(a, "*") for a in TRACE}
    assert allowed == expected | {("s3:GetObject", MODELS), ("kms:Decrypt", "<KeyArn>")}


def test_the_code_in_a_vpc_may_not_touch_networks_as_lambda_does_for_it(
    templates: dict[str, Templates],
) -> None:
    template = templates["prod-function-s3"]["slipway-prod-wine"]
    (policy,) = (
        p["PolicyDocument"]["Statement"]
        for p in resource(template, "FunctionRole")["Properties"]["Policies"]
        if p["PolicyName"] == "JoinNetwork"
    )
    allowed, denied = policy
    assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
    assert allowed["Action"] == denied["Action"]
    assert "lambda:SourceFunctionArn" in denied["Condition"]["ArnLike"]
    config = _function(template)["VpcConfig"]
    assert (config["SubnetIds"], config["SecurityGroupIds"]) == (
        ["subnet-0123456789abcdef0"],
        ["sg-0123456789abcdef0"],
    )


def test_the_check_may_call_versions_of_this_function_and_write_its_log(dev: Templates) -> None:
    log = "<GoldenCheckCheckerLogsB3E73798.Arn>"
    expected = {(action, log) for action in LOGS} | {("lambda:InvokeFunction", "<Function76856677.Arn>:*")}
    assert _allowed(dev[STACK], "GoldenCheckCheckerRole") == expected


def test_models_are_deleted_with_the_stack_only_where_data_is_not_kept(
    root: Path, templates: dict[str, Templates]
) -> None:
    kept = templates["prod-function-s3"]["slipway-prod-wine"]
    gone = _wine(root, model_source="s3")
    for template, disposable in ((kept, False), (gone, True)):
        archive = only(template, "Custom::SlipwayModelArchive")["Properties"]
        assert (archive.get("EmptiedPrefix") == "models/wine/") == disposable
        actions = {action for action, _ in _allowed(template, "ModelStorerRole")}
        assert ("s3:DeleteObjectVersion" in actions) == disposable
    assert unaccepted(gone, "dev", "model") == []


def test_the_alias_waits_for_the_check_of_the_version_that_it_points_to(dev: Templates) -> None:
    template = dev[STACK]
    alias, check = only(template, "AWS::Lambda::Alias"), only(template, "Custom::SlipwayGoldenCheck")
    version = _version(template)
    assert alias["DependsOn"] == [_named(template, "Custom::SlipwayGoldenCheck")]
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    assert check["Properties"]["Version"] == {"Ref": version}
    assert json.loads(check["Properties"]["Event"]) == {"slipway": "try"}


def test_a_model_in_the_bucket_is_stored_then_tried_and_then_put_in_force(root: Path) -> None:
    template = _wine(root, model_source="s3")
    archive, check, pointer = (
        _named(template, f"Custom::Slipway{kind}") for kind in ("ModelArchive", "GoldenCheck", "ModelPointer")
    )
    order = [only(template, "AWS::Lambda::Alias"), *(template["Resources"][n] for n in (pointer, check))]
    assert [step["DependsOn"] for step in order] == [[pointer], [check], [archive]]
    properties = template["Resources"][pointer]["Properties"]
    written = json.loads(properties["Pointer"])
    assert json.loads(template["Resources"][check]["Properties"]["Event"])["candidate"] == written
    assert written["archive"] == template["Resources"][archive]["Properties"]["Key"]
    assert written["archive_sha256"].startswith(written["version"])
    assert properties["Keys"][-1] == "models/wine/current.json"


def test_a_version_stays_when_the_next_one_comes_but_not_when_its_deploy_failed(dev: Templates) -> None:
    version = only(dev[STACK], "AWS::Lambda::Version")
    assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_a_version_says_its_model(dev: Templates) -> None:
    version = only(dev[STACK], "AWS::Lambda::Version")
    told = dev[STACK]["Outputs"]["ModelVersion"]["Value"]
    assert version["Properties"]["Description"] == f"model {told}"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    yield make_project(tmp_path / "project", "wine")


def test_a_new_model_publishes_a_version_and_so_does_another_setting(own: Path) -> None:
    before = _version(_wine(own))
    assert _version(_wine(own)) == before
    assert _version(_wine(own, memory_mb="1024")) != before
    assert _version(_wine(own, timeout_s="5")) != before
    # What only the API has is no change of the function.
    assert _version(_wine(own, throttle_rate="5")) == before

    make_artifact(own, "wine", b"another", joblib=False)
    assert _version(_wine(own)) != before


def test_a_new_model_in_the_bucket_publishes_no_version(own: Path) -> None:
    before = _wine(own, model_source="s3")
    make_artifact(own, "wine", b"another", joblib=False)
    after = _wine(own, model_source="s3")
    assert before["Outputs"]["ModelVersion"] != after["Outputs"]["ModelVersion"]
    assert _version(before) == _version(after)
    assert only(before, "AWS::Lambda::Version") == only(after, "AWS::Lambda::Version")


def test_a_zip_that_becomes_an_image_gets_another_deployment_of_the_api(root: Path) -> None:
    names = [_named(_wine(root, package=kind), "AWS::ApiGateway::Deployment") for kind in ("zip", "image")]
    assert names[0] != names[1]


def test_the_settings_reach_the_function(root: Path) -> None:
    function = _function(_wine(root, memory_mb="512", timeout_s="7", reserved_concurrency="9"))
    assert (function["MemorySize"], function["Timeout"]) == (512, 7)
    assert function["ReservedConcurrentExecutions"] == 9
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["x86_64"])
    assert function["Handler"] == "serving.aws_lambda.handler.handler"
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["RecursiveLoop"] == "Terminate"


def test_the_function_is_told_what_it_is_and_verifies_its_model(dev: Templates, prod: Templates) -> None:
    told = _function(dev[STACK])["Environment"]["Variables"]
    assert told["SLIPWAY_MODEL_VERSION"] == dev[STACK]["Outputs"]["ModelVersion"]["Value"]
    assert len(told["SLIPWAY_MANIFEST_SHA256"]) == 64
    assert (told["SLIPWAY_API_AUTH"], told["SLIPWAY_MAX_ROWS"]) == ("iam", "10000")
    assert "KmsKeyArn" not in _function(dev[STACK])
    assert _function(prod["slipway-prod-wine"])["KmsKeyArn"] == {"Ref": "KeyArn"}


def test_the_forms_are_what_was_asked_for(templates: dict[str, Templates]) -> None:
    frozen = templates["prod-function-s3"]["slipway-prod-wine"]
    assert _function(frozen)["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert _function(frozen)["Architectures"] == ["arm64"]
    layer = only(frozen, "AWS::Lambda::LayerVersion")["Properties"]
    assert layer["CompatibleArchitectures"] == ["arm64"]

    image = templates["prod-function-image"]["slipway-prod-wine"]
    function = _function(image)
    assert function["PackageType"] == "Image"
    assert "slipway-prod:" in json.dumps(function["Code"]["ImageUri"])
    assert not [r for r in image["Resources"].values() if r["Type"] == "AWS::Lambda::LayerVersion"]
    warm = only(image, "AWS::Lambda::Alias")["Properties"]["ProvisionedConcurrencyConfig"]
    assert warm == {"ProvisionedConcurrentExecutions": 2}
    assert function["Environment"]["Variables"]["SLIPWAY_CORS_ORIGINS"] == "https://www.example.com"


def test_an_image_is_built_for_the_processor_from_the_model_s_own_context(root: Path) -> None:
    _wine(root, package="image", architecture="arm64")
    (assets,) = (root / "out" / "dev-image-arm64").glob("slipway-dev-wine.assets.json")
    (image,) = json.loads(assets.read_text())["dockerImages"].values()
    source = image["source"]
    assert (source["dockerFile"], source["dockerBuildTarget"]) == ("serving/Dockerfile", "lambda")
    assert source["platform"] == "linux/arm64"
    (destination,) = image["destinations"].values()
    assert destination["repositoryName"] == "slipway-dev"


def test_lambda_may_pull_images_of_the_stage_s_own_functions_only(dev: Templates) -> None:
    policy = only(dev["slipway-dev"], "AWS::ECR::Repository")["Properties"]["RepositoryPolicyText"]
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    assert "function:slipway-dev-*" in json.dumps(statement["Condition"]["ArnLike"]["aws:SourceArn"])


def test_a_missing_package_names_the_command(tmp_path: Path) -> None:
    root = make_project(tmp_path, "wine")
    for path in (root / ".slipway" / "packages").iterdir():
        path.unlink()
    with pytest.raises(PackageMissing, match="wine") as refused:
        synthesize(root, tmp_path / "out", stage="dev", models="wine")
    assert refused.value.fix == "Run: slipway train wine"


def test_templates_with_their_inline_functions_fit_into_cloudformation(prod: Templates) -> None:
    # CloudFormation takes 1 MB. Inline code it zips, and takes 4 MB of that: 4096 characters was once.
    for template in prod.values():
        assert len(json.dumps(template)) <= 1024 * 1024
