from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import ArtifactMissing
from stacks.validation import unaccepted
from tests.synth.harness import (
    Templates,
    build,
    every,
    make_artifact,
    make_project,
    only,
    read_templates,
    role,
    synthesize,
)

MODEL, CONFIG = "AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"
STACK = "slipway-dev-digits"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_project(tmp_path, "digits")


def _digits(root: Path, **serve: str) -> dict[str, Any]:
    context = {f"digits.serve.{key}": value for key, value in serve.items()}
    return synthesize(root, root / "out", stage="dev", models="digits", **context)[STACK]


def _environments(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [model["Properties"]["PrimaryContainer"]["Environment"] for model in every(template, MODEL)]
    return {environment["SLIPWAY_VARIANT"]: environment for environment in found}


def _weights(template: dict[str, Any]) -> dict[str, float]:
    variants = only(template, CONFIG)["Properties"]["ProductionVariants"]
    return {variant["VariantName"]: variant["InitialVariantWeight"] for variant in variants}


def test_every_variant_is_told_what_to_trust_and_who_it_is(root: Path) -> None:
    newest = make_artifact(root, "digits", b"newest", joblib=False)
    challenger = _environments(_digits(root))["challenger"]
    assert challenger == {
        "SLIPWAY_MANIFEST_SHA256": newest.manifest_sha256,
        "SLIPWAY_MODEL_VERSION": newest.version,
        "SLIPWAY_VARIANT": "challenger",
    }


def test_weights_are_kept_as_written(root: Path) -> None:
    assert _weights(_digits(root)) == {"champion": 90, "challenger": 10}
    dark = _digits(root, variants='[{name="champion",weight=1},{name="challenger",weight=0}]')
    assert _weights(dark) == {"champion": 1, "challenger": 0}


def test_a_new_weight_changes_the_configuration_alone(root: Path) -> None:
    before = _digits(root)["Resources"]
    after = _digits(
        root,
        variants='[{name="champion",version="previous",weight=50},{name="challenger",weight=50}]',
    )["Resources"]
    assert [name for name in before if before[name] != after[name]] == ["EndpointConfig24AD0A28"]


def test_every_model_carries_the_tag_of_its_own_version(templates: dict[str, Templates]) -> None:
    for model in every(templates["prod"]["slipway-prod-digits"], MODEL):
        tags = {tag["Key"]: tag["Value"] for tag in model["Properties"]["Tags"]}
        version = model["Properties"]["PrimaryContainer"]["Environment"]["SLIPWAY_MODEL_VERSION"]
        assert tags["ModelVersion"] == version


def test_one_role_reads_the_archives_of_its_variants_and_nothing_else(root: Path) -> None:
    template = _digits(root)
    policies = role(template)["Properties"]["Policies"]
    (read,) = (p["PolicyDocument"]["Statement"][0] for p in policies if p["PolicyName"] == "ReadArtifact")
    urls = [m["Properties"]["PrimaryContainer"]["ModelDataUrl"]["Fn::Sub"] for m in every(template, MODEL)]
    allowed = [resource["Fn::Join"][1][-1] for resource in read["Resource"]]
    assert sorted(allowed) == sorted("/" + url.rpartition("/")[2] for url in urls)
    assert len(set(allowed)) == 2


def test_two_variants_of_one_version_are_two_models_of_one_archive(root: Path) -> None:
    template = _digits(root, variants='[{name="champion"},{name="challenger",weight=0}]')
    urls = {json.dumps(m["Properties"]["PrimaryContainer"]["ModelDataUrl"]) for m in every(template, MODEL)}
    assert len(urls) == 1
    assert _environments(template).keys() == {"champion", "challenger"}


def test_a_champion_of_before_needs_a_version_of_before(tmp_path: Path) -> None:
    root = make_project(tmp_path, "iris")
    with pytest.raises(ArtifactMissing, match="no artifact before its latest"):
        synthesize(root, root / "out", stage="dev", iris__serve__version="previous")


def test_a_shadow_is_no_production_variant_and_has_no_alarm(templates: dict[str, Templates]) -> None:
    template = templates["prod-shadow"]["slipway-prod-digits"]
    config = only(template, CONFIG)["Properties"]
    assert [v["VariantName"] for v in config["ProductionVariants"]] == ["champion"]
    (shadow,) = config["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["InitialVariantWeight"]) == ("shadow", 1)
    watched = {
        dimension["Value"]
        for alarm in every(template, "AWS::CloudWatch::Alarm")
        for dimension in alarm["Properties"]["Dimensions"]
        if dimension["Name"] == "VariantName"
    }
    assert watched == {"champion"}


def test_each_variant_has_machines_of_its_own(root: Path) -> None:
    template = _digits(
        root,
        variants='[{name="champion",instance_count=3},{name="challenger",instance_type="ml.c5.xlarge"}]',
    )
    variants = only(template, CONFIG)["Properties"]["ProductionVariants"]
    assert [(v["InstanceType"], v["InitialInstanceCount"]) for v in variants] == [
        ("ml.m5.large", 3),
        ("ml.c5.xlarge", 1),
    ]


def test_the_key_is_left_out_where_one_variant_s_machine_takes_none(root: Path) -> None:
    mixed = '[{name="champion"},{name="challenger",instance_type="ml.m5d.large"}]'
    disks = '[{name="champion",instance_type="ml.m5d.large"}]'
    found = {}
    for variants in (mixed, disks):
        out = root / str(len(found))
        app = build(root, out, stage="prod", models="digits", **{"digits.serve.variants": variants})
        with contextlib.suppress(RuntimeError):  # a finding ends the synth; the templates are there
            app.synth()
        template = read_templates(out)["slipway-prod-digits"]
        assert "KmsKeyId" not in only(template, CONFIG)["Properties"]
        found[variants] = [finding.rule for finding in unaccepted(template, "prod", "model")]
    # The champion's disks would go without the person's key: prod says no, and does not choose in silence.
    assert found == {mixed: ["H-10"], disks: []}


def test_a_serverless_endpoint_is_another_endpoint(templates: dict[str, Templates]) -> None:
    machines = templates["prod"]["slipway-prod-digits"]
    serverless = templates["prod-serverless"]["slipway-prod-digits"]
    ids = [
        {n for n, r in template["Resources"].items() if r["Type"] in (
            "AWS::SageMaker::Endpoint", CONFIG) or n.startswith(("Logs", "ServerlessLogs"))}
        for template in (machines, serverless)
    ]  # fmt: skip
    assert not ids[0] & ids[1]
    endpoint = only(serverless, "AWS::SageMaker::Endpoint")["Properties"]
    assert endpoint["EndpointName"] == "slipway-prod-digits-serverless"
    group = serverless["Resources"]["ServerlessLogs3ABD06D3"]["Properties"]
    assert group["LogGroupName"] == "/aws/sagemaker/Endpoints/slipway-prod-digits-serverless"
    rights = json.dumps(role(serverless)["Properties"]["Policies"])
    assert "ServerlessLogs3ABD06D3" in rights
    for alarm in every(serverless, "AWS::CloudWatch::Alarm"):
        dimensions = {d["Name"]: d["Value"] for d in alarm["Properties"]["Dimensions"]}
        assert dimensions == {"EndpointName": endpoint["EndpointName"], "VariantName": "champion"}


def test_a_serverless_endpoint_has_what_aws_takes(root: Path) -> None:
    template = _digits(
        root,
        target="sagemaker-serverless",
        variants="[]",
        memory_mb="3072",
        max_concurrency="7",
        provisioned_concurrency="2",
    )
    (variant,) = only(template, CONFIG)["Properties"]["ProductionVariants"]
    assert variant["ServerlessConfig"] == {
        "MemorySizeInMB": 3072,
        "MaxConcurrency": 7,
        "ProvisionedConcurrency": 2,
    }
    assert variant.keys() == {"VariantName", "ModelName", "InitialVariantWeight", "ServerlessConfig"}
    assert "KmsKeyId" not in only(template, CONFIG)["Properties"]
    model = only(template, MODEL)["Properties"]
    assert model["EnableNetworkIsolation"] is False
    assert model["PrimaryContainer"]["Environment"]["SLIPWAY_MAX_BODY_BYTES"] == "4194304"


def test_a_prebuilt_image_may_be_serverless_too(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    toml = root / "model_code" / "iris" / "model.toml"
    toml.write_text(toml.read_text().replace('instance_type = "ml.m5.large"\n', ""))
    template = synthesize(root, root / "out", stage="dev", iris__serve__target="sagemaker-serverless")
    model = only(template["slipway-dev-iris"], MODEL)["Properties"]
    assert model["EnableNetworkIsolation"] is False
    # It still asks no package index: nothing that starts a container is fetched.
    assert model["PrimaryContainer"]["Environment"]["PIP_NO_INDEX"] == "1"


def test_requests_that_name_objects_open_the_network_and_those_prefixes_alone(root: Path) -> None:
    template = _digits(root, s3_prefixes='["s3://my-bucket/rows/", "s3://other/a/b"]')
    for model in every(template, MODEL):
        assert model["Properties"]["EnableNetworkIsolation"] is False
        environment = model["Properties"]["PrimaryContainer"]["Environment"]
        assert environment["SLIPWAY_S3_PREFIXES"] == "s3://my-bucket/rows/,s3://other/a/b"
        assert environment["AWS_DEFAULT_REGION"] == {"Ref": "AWS::Region"}
    policies = role(template)["Properties"]["Policies"]
    (read,) = (p["PolicyDocument"]["Statement"] for p in policies if p["PolicyName"] == "ReadRequests")
    assert [statement["Action"] for statement in read] == ["s3:GetObject"]
    assert [resource["Fn::Join"][1][-1] for resource in read[0]["Resource"]] == [
        ":s3:::my-bucket/rows/*",
        ":s3:::other/a/b/*",
    ]


def test_prod_asks_to_accept_an_open_network_and_nothing_else(root: Path) -> None:
    prefixes = '["s3://my-bucket/rows"]'
    app = build(root, root / "out", stage="prod", models="digits", **{"digits.serve.s3_prefixes": prefixes})
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    report = json.loads((root / "out" / "validation-report.json").read_text())
    found = {v["ruleName"] for plugin in report["pluginReports"] for v in plugin["violations"]}
    assert found == {"H-05"}
