from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.synth.harness import STAGES, Templates, only, rights, role


def waits_for(template: Mapping[str, Any], name: str) -> set[str]:
    """Return every resource that CloudFormation finishes before it starts one."""
    found: set[str] = set()
    ahead = [name]
    while ahead:
        resource = template["Resources"][ahead.pop()]
        for other in _mentioned(resource) & template["Resources"].keys() - found:
            found.add(other)
            ahead.append(other)
    return found


def _mentioned(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["Ref"]} if isinstance(value.get("Ref"), str) else set()
        if isinstance(value.get("Fn::GetAtt"), list):
            own.add(value["Fn::GetAtt"][0])
        depends = value.get("DependsOn", [])
        own |= {depends} if isinstance(depends, str) else set(depends)
        return own.union(*(_mentioned(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_mentioned(inner) for inner in value))
    return set()


def policies_not_awaited(template: Mapping[str, Any]) -> set[str]:
    """Return the policies of a model's role that may be attached after the model is made."""
    missing = set()
    for name, model in template["Resources"].items():
        if model["Type"] == "AWS::SageMaker::Model":
            role = model["Properties"]["ExecutionRoleArn"]["Fn::GetAtt"][0]
            awaited = waits_for(template, name) | {name}
            missing |= {
                other
                for other, policy in template["Resources"].items()
                if policy["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
                and role in _mentioned(policy["Properties"].get("Roles", []))
                and other not in awaited
            }
    return missing


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_made_before_its_role_has_all_its_rights(
    stage: str, templates: dict[str, Templates]
) -> None:
    template = templates[stage][f"slipway-{stage}-iris"]
    assert policies_not_awaited(template) == set()
    model = next(n for n, r in template["Resources"].items() if r["Type"] == "AWS::SageMaker::Model")
    endpoint = next(n for n, r in template["Resources"].items() if r["Type"] == "AWS::SageMaker::Endpoint")
    name = "ExecutionRole605A040B"
    assert name in template["Resources"][model]["DependsOn"]
    assert {model, name} <= waits_for(template, endpoint)


def test_a_policy_that_nobody_waits_for_is_found(dev: Templates) -> None:
    template = json.loads(json.dumps(dev["slipway-dev-iris"]))
    late = {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "ExecutionRole605A040B"}]}}
    template["Resources"]["Late"] = late
    assert policies_not_awaited(template) == {"Late"}


ECR = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
LOGS = {"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"}
KEY = {
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:CreateGrant",
}


def test_the_role_can_do_what_serving_and_transforming_need_and_nothing_else(
    dev: Templates, prod: Templates
) -> None:
    template = dev["slipway-dev-iris"]
    url = only(template, "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"]["ModelDataUrl"]
    archive = url["Fn::Sub"].removeprefix("s3://").replace("${", "<").replace("}", ">")
    here = "<AWS::Region>:<AWS::AccountId>"
    group = f"arn:<AWS::Partition>:logs:{here}:log-group:/aws/sagemaker/TransformJobs"
    bucket = "arn:<AWS::Partition>:s3:::<BucketName>"
    registry = "arn:<AWS::Partition>:ecr:<AWS::Region>:"
    repository = next(r for action, r in rights(template, "ExecutionRole") if action == "ecr:BatchGetImage")
    assert repository.startswith(registry) and repository.endswith(":repository/sagemaker-scikit-learn")
    assert "ImagesAccounts497478FF" in repository
    needed = {
        ("s3:GetObject", f"arn:<AWS::Partition>:s3:::{archive}"),
        ("ecr:GetAuthorizationToken", "*"),
        *((action, repository) for action in ECR),
        *((action, "<Logs6819BB44.Arn>") for action in LOGS),
        ("cloudwatch:PutMetricData", "*"),
        ("s3:GetObject", f"{bucket}/batch/iris/input/*"),
        ("s3:ListBucket", bucket),
        ("s3:PutObject", f"{bucket}/batch/iris/output/*"),
        ("s3:AbortMultipartUpload", f"{bucket}/batch/iris/output/*"),
        ("logs:CreateLogGroup", group),
        ("logs:CreateLogGroup", f"{group}:*"),
        *((action, f"{group}:*") for action in LOGS),
    }
    assert rights(template, "ExecutionRole").keys() == needed
    listing = rights(template, "ExecutionRole")["s3:ListBucket", bucket]
    assert listing == {"StringLike": {"s3:prefix": ["batch/iris/input/*"]}}
    with_key = rights(prod["slipway-prod-iris"], "ExecutionRole").keys() - needed
    assert with_key == {(action, "<KeyArn>") for action in KEY}


def test_only_sagemaker_and_only_for_this_account_can_take_the_role(dev: Templates) -> None:
    (trust,) = role(dev["slipway-dev-iris"])["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "sagemaker" in json.dumps(trust["Condition"]["ArnLike"]["aws:SourceArn"])


def test_metrics_are_limited_to_sagemaker_s_namespaces(dev: Templates) -> None:
    condition = rights(dev["slipway-dev-iris"], "ExecutionRole")["cloudwatch:PutMetricData", "*"]
    assert condition == {
        "StringEquals": {
            "cloudwatch:namespace": [
                "AWS/SageMaker",
                "/aws/sagemaker/Endpoints",
                "/aws/sagemaker/TransformJobs",
            ]
        }
    }


def test_a_training_job_reads_data_and_jobs_and_writes_jobs(dev: Templates, prod: Templates) -> None:
    found = rights(dev["slipway-dev"], "TrainingRole")
    bucket = "<Data666C94C7.Arn>"
    group = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws/sagemaker/TrainingJobs"
    repositories = {resource for action, resource in found if action == "ecr:BatchGetImage"}
    assert {repository.rpartition("/")[2] for repository in repositories} == {
        "sagemaker-scikit-learn",
        "sagemaker-xgboost",
    }
    needed = {
        ("s3:GetObject", f"{bucket}/data/*"),
        ("s3:GetObject", f"{bucket}/jobs/*"),
        ("s3:ListBucket", bucket),
        ("s3:PutObject", f"{bucket}/jobs/*"),
        ("s3:AbortMultipartUpload", f"{bucket}/jobs/*"),
        ("ecr:GetAuthorizationToken", "*"),
        *((action, repository) for action in ECR for repository in repositories),
        ("logs:CreateLogGroup", group),
        ("logs:CreateLogGroup", f"{group}:*"),
        *((action, f"{group}:*") for action in LOGS),
        ("cloudwatch:PutMetricData", "*"),
    }
    assert found.keys() == needed
    assert found["s3:ListBucket", bucket] == {"StringLike": {"s3:prefix": ["data/*", "jobs/*"]}}
    assert found["cloudwatch:PutMetricData", "*"] == {
        "StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/TrainingJobs"]}
    }
    with_key = {action for action, key in rights(prod["slipway-prod"], "TrainingRole") if "Key" in key}
    assert with_key == KEY
    (trust,) = role(dev["slipway-dev"], "TrainingRole")["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"].keys() == {"StringEquals", "ArnLike"}
