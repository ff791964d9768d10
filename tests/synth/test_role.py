from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.synth.harness import STAGES, Templates, only


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
    role = next(n for n, r in template["Resources"].items() if r["Type"] == "AWS::IAM::Role")
    assert role in template["Resources"][model]["DependsOn"]
    assert {model, role} <= waits_for(template, endpoint)


def test_a_policy_that_nobody_waits_for_is_found(dev: Templates) -> None:
    template = json.loads(json.dumps(dev["slipway-dev-iris"]))
    role = next(n for n, r in template["Resources"].items() if r["Type"] == "AWS::IAM::Role")
    template["Resources"]["Late"] = {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": role}]}}
    assert policies_not_awaited(template) == {"Late"}


def _rights(template: Mapping[str, Any]) -> dict[str, Any]:
    statements = [
        statement
        for policy in only(template, "AWS::IAM::Role")["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    return {
        action: statement
        for statement in statements
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def test_the_role_can_do_what_serving_needs_and_nothing_else(dev: Templates, prod: Templates) -> None:
    needed = {
        "s3:GetObject",
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
        "cloudwatch:PutMetricData",
    }
    with_key = {"kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant"}
    assert _rights(dev["slipway-dev-iris"]).keys() == needed
    assert _rights(prod["slipway-prod-iris"]).keys() == needed | with_key


def test_the_role_reads_one_object_and_pulls_one_repository(dev: Templates) -> None:
    template = dev["slipway-dev-iris"]
    rights = _rights(template)
    url = only(template, "AWS::SageMaker::Model")["Properties"]["PrimaryContainer"]["ModelDataUrl"]
    key = url["Fn::Sub"].rpartition("/")[2]
    assert json.dumps(rights["s3:GetObject"]["Resource"]).rstrip('"]} ').endswith(f"/{key}")
    assert "*" not in json.dumps(rights["s3:GetObject"]["Resource"])
    repository = rights["ecr:BatchGetImage"]["Resource"]["Fn::Join"][1]
    assert repository[-1] == ":repository/sagemaker-scikit-learn"
    assert {"Fn::FindInMap": ["ImagesAccounts497478FF", {"Ref": "AWS::Region"}, "account"]} in repository
    assert rights["logs:PutLogEvents"]["Resource"] == {"Fn::GetAtt": ["Logs6819BB44", "Arn"]}


def test_only_sagemaker_and_only_for_this_account_can_take_the_role(dev: Templates) -> None:
    (trust,) = only(dev["slipway-dev-iris"], "AWS::IAM::Role")["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ]
    assert trust["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "sagemaker" in json.dumps(trust["Condition"]["ArnLike"]["aws:SourceArn"])


def test_metrics_are_limited_to_sagemaker_s_namespaces(dev: Templates) -> None:
    condition = _rights(dev["slipway-dev-iris"])["cloudwatch:PutMetricData"]["Condition"]
    assert condition == {
        "StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]}
    }
