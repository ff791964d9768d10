from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk.assertions import Match, Template

from tests.synth.harness import STAGES, Templates, make_project, synthesize

PRIVATE = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}


@pytest.mark.parametrize("stage", STAGES)
def test_every_bucket_is_private_and_answers_over_tls_1_2_only(
    stage: str, templates: dict[str, Templates]
) -> None:
    resources = templates[stage][f"slipway-{stage}"]["Resources"]
    buckets = {name: r for name, r in resources.items() if r["Type"] == "AWS::S3::Bucket"}
    policies = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::S3::BucketPolicy"]
    assert buckets
    for name, bucket in buckets.items():
        assert bucket["Properties"]["PublicAccessBlockConfiguration"] == PRIVATE
        assert bucket["Properties"]["OwnershipControls"] == {
            "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]
        }
        (policy,) = [p for p in policies if p["Bucket"] == {"Ref": name}]
        refused = [s["Condition"] for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in refused
        assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in refused


def test_the_bucket_for_data_keeps_versions_for_a_while(dev: Templates) -> None:
    Template.from_json(dev["slipway-dev"]).has_resource_properties(
        "AWS::S3::Bucket",
        {
            "VersioningConfiguration": {"Status": "Enabled"},
            "LifecycleConfiguration": {
                "Rules": [
                    Match.object_like(
                        {
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 90},
                            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        }
                    )
                ]
            },
        },
    )


def test_prod_keeps_data_and_key_when_it_is_destroyed(prod: Templates) -> None:
    resources = prod["slipway-prod"]["Resources"]
    kept = {r["Type"] for r in resources.values() if r["DeletionPolicy"] == "Retain"}
    assert kept == {"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key"}
    assert not [r for r in resources.values() if r["Type"].startswith("Custom::")]


@pytest.mark.parametrize("stage", ["local", "dev"])
def test_other_stages_take_everything_away(stage: str, templates: dict[str, Templates]) -> None:
    template = templates[stage][f"slipway-{stage}"]
    assert {r["DeletionPolicy"] for r in template["Resources"].values()} == {"Delete"}
    Template.from_json(template).resource_count_is("Custom::S3AutoDeleteObjects", 1)


def test_the_function_that_empties_buckets_leaves_no_log_group_behind(dev: Templates) -> None:
    template = dev["slipway-dev"]
    checks = Template.from_json(template)
    (group,) = checks.find_resources("AWS::Logs::LogGroup")
    checks.has_resource_properties("AWS::Lambda::Function", {"LoggingConfig": {"LogGroup": {"Ref": group}}})
    (role,) = (r for name, r in checks.find_resources("AWS::IAM::Role").items() if name.startswith("Custom"))
    assert "ManagedPolicyArns" not in role["Properties"]
    assert "logs:CreateLogGroup" not in json.dumps(role)


def test_prod_encrypts_with_a_key_that_rotates_and_logs_requests(prod: Templates) -> None:
    template = Template.from_json(prod["slipway-prod"])
    key = {"Fn::GetAtt": ["Key961B73FD", "Arn"]}
    template.has_resource_properties("AWS::KMS::Key", {"EnableKeyRotation": True})
    template.has_resource_properties(
        "AWS::S3::Bucket",
        {
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "BucketKeyEnabled": True,
                        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
                    }
                ]
            },
            "LoggingConfiguration": {"DestinationBucketName": {"Ref": "DataAccessLogsC0C25EE4"}},
        },
    )
    template.has_resource_properties(
        "AWS::ECR::Repository", {"EncryptionConfiguration": {"EncryptionType": "KMS", "KmsKey": key}}
    )


def test_images_are_scanned_never_overwritten_and_gone_with_the_stack(prod: Templates) -> None:
    Template.from_json(prod["slipway-prod"]).has_resource(
        "AWS::ECR::Repository",
        {
            "Properties": {
                "ImageScanningConfiguration": {"ScanOnPush": True},
                "ImageTagMutability": "IMMUTABLE",
                "EmptyOnDelete": True,
            },
            "DeletionPolicy": "Delete",
        },
    )


def test_a_disposable_stage_with_access_logs_empties_both_buckets(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    (root / "stages.toml").write_text('[dev]\nretain_data = false\nencryption = "kms"\naccess_logs = true\n')
    template = Template.from_json(synthesize(root, tmp_path / "out", stage="dev")["slipway-dev"])
    template.resource_count_is("Custom::S3AutoDeleteObjects", 2)
    template.resource_count_is("AWS::Logs::LogGroup", 1)
    template.has_resource("AWS::KMS::Key", {"DeletionPolicy": "Delete"})
