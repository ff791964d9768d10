"""The model registry as boto3, IAM and CloudFormation see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION, LocalAws
from tests.local.conftest import Boto
from tests.local.toy import ENVIRONMENT, IMAGE, Toy, allow

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"


@pytest.fixture
def group(boto: Boto) -> Iterator[str]:
    """An empty group, which goes with whatever was put into it."""
    sagemaker = boto("sagemaker")
    sagemaker.create_model_package_group(
        ModelPackageGroupName="Wine-models", ModelPackageGroupDescription="(all of them): v1, v2",
        Tags=[{"Key": "slipway:model", "Value": "wine"}],
    )  # fmt: skip
    yield "Wine-models"
    listed = sagemaker.list_model_packages(ModelPackageGroupName="Wine-models")["ModelPackageSummaryList"]
    for entry in listed:
        sagemaker.delete_model_package(ModelPackageName=entry["ModelPackageArn"])
    sagemaker.delete_model_package_group(ModelPackageGroupName="Wine-models")


def specification(toy: Toy, **environment: str) -> dict[str, Any]:
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{toy.bucket}/good.gz", "Environment": environment}
    return {
        "Containers": [container],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }


def register(boto: Boto, toy: Toy, group: str, **more: Any) -> str:
    answer = boto("sagemaker").create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification(toy), **more
    )
    arn: str = answer["ModelPackageArn"]
    return arn


def message(error: pytest.ExceptionInfo[ClientError]) -> str:
    text: str = error.value.response["Error"]["Message"]
    return text


def test_a_group_is_described_listed_and_tagged(boto: Boto, group: str) -> None:
    sagemaker = boto("sagemaker")

    told = sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    [entry] = sagemaker.list_model_package_groups(NameContains="wine")["ModelPackageGroupSummaryList"]

    assert told["ModelPackageGroupArn"] == f"{ARN}:model-package-group/wine-models"
    assert (told["ModelPackageGroupStatus"], told["ModelPackageGroupDescription"]) == (
        "Completed", "(all of them): v1, v2",
    )  # fmt: skip
    assert entry["ModelPackageGroupArn"] == told["ModelPackageGroupArn"]
    assert sagemaker.list_tags(ResourceArn=told["ModelPackageGroupArn"])["Tags"] == [
        {"Key": "slipway:model", "Value": "wine"}
    ]


def test_packages_of_a_group_are_numbered_and_no_number_is_given_twice(
    boto: Boto, toy: Toy, group: str
) -> None:
    first, second = register(boto, toy, group), register(boto, toy, group)
    boto("sagemaker").delete_model_package(ModelPackageName=second)

    third = register(boto, toy, group)

    assert [arn.rpartition(":")[2] for arn in (first, second, third)] == [
        f"model-package/wine-models/{number}" for number in (1, 2, 3)
    ]


def test_a_package_waits_for_approval_and_keeps_what_was_said_of_it(boto: Boto, toy: Toy, group: str) -> None:
    sagemaker = boto("sagemaker")
    statistics = {"ContentType": "application/json", "S3Uri": "s3://bucket/metrics.json"}
    arn = register(
        boto, toy, group,
        CustomerMetadataProperties={"version": "1f2e", "old": "x"}, MetadataProperties={"CommitId": "abc"},
        ModelMetrics={"ModelQuality": {"Statistics": statistics}}, ModelPackageDescription="the first",
    )  # fmt: skip

    before = sagemaker.describe_model_package(ModelPackageName=arn)
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="better",
        CustomerMetadataProperties={"by": "me"}, CustomerMetadataPropertiesToRemove=["old"],
    )  # fmt: skip
    after = sagemaker.describe_model_package(ModelPackageName=arn)

    assert (before["ModelApprovalStatus"], after["ModelApprovalStatus"]) == (
        "PendingManualApproval",
        "Approved",
    )
    assert before["ModelPackageVersion"] == 1
    assert before["ModelPackageStatus"] == "Completed"
    assert before["ModelMetrics"]["ModelQuality"]["Statistics"] == statistics
    assert before["MetadataProperties"] == {"CommitId": "abc"}
    assert before["InferenceSpecification"] == specification(toy)
    assert after["CustomerMetadataProperties"] == {"version": "1f2e", "by": "me"}
    assert after["ApprovalDescription"] == "better"
    assert after["LastModifiedTime"] >= before["CreationTime"]


def test_packages_are_listed_by_group_approval_and_age(boto: Boto, toy: Toy, group: str) -> None:
    sagemaker = boto("sagemaker")
    arns = [
        register(boto, toy, group, ModelApprovalStatus=status)
        for status in ("Rejected", "Approved", "Approved")
    ]

    def listed(**filters: Any) -> list[str]:
        found = sagemaker.list_model_packages(ModelPackageGroupName=group, **filters)[
            "ModelPackageSummaryList"
        ]
        return [entry["ModelPackageArn"] for entry in found]

    newest = listed(
        SortBy="CreationTime", SortOrder="Descending", ModelApprovalStatus="Approved", MaxResults=1
    )
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, PaginationConfig={"PageSize": 2}
    )
    assert listed() == arns
    assert newest == [arns[2]]
    assert [entry["ModelPackageVersion"] for page in pages for entry in page["ModelPackageSummaryList"]] == [
        1,
        2,
        3,
    ]
    assert sagemaker.list_model_packages()["ModelPackageSummaryList"] == []
    assert len(sagemaker.list_model_packages(ModelPackageType="Both")["ModelPackageSummaryList"]) == 3


def test_a_group_with_packages_cannot_be_deleted(boto: Boto, toy: Toy, group: str) -> None:
    register(boto, toy, group)

    with pytest.raises(ClientError) as error:
        boto("sagemaker").delete_model_package_group(ModelPackageGroupName=group)

    assert error.value.response["Error"]["Code"] == "ConflictException"
    assert message(error) == "Model Package Group cannot be deleted because it still contains Model Packages."


def test_unknown_and_second_names_answer_as_sagemaker_does(boto: Boto, toy: Toy, group: str) -> None:
    sagemaker = boto("sagemaker")
    with pytest.raises(ClientError) as no_group:
        sagemaker.describe_model_package_group(ModelPackageGroupName="nobody")
    with pytest.raises(ClientError) as no_package:
        sagemaker.describe_model_package(ModelPackageName=f"{ARN}:model-package/wine-models/9")
    with pytest.raises(ClientError) as twice:
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError) as both:
        register(boto, toy, group, ModelPackageName="name")

    assert message(no_group) == f"ModelPackageGroup {ARN}:model-package-group/nobody does not exist."
    assert message(no_package) == f"ModelPackage {ARN}:model-package/wine-models/9 does not exist."
    assert message(twice) == f"Model Package Group already exists: {ARN}:model-package-group/wine-models"
    assert "Cannot determine which one to use" in message(both)


def test_a_model_is_made_from_a_package_and_serves(boto: Boto, toy: Toy, group: str) -> None:
    arn = boto("sagemaker").create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification(toy, **ENVIRONMENT)
    )["ModelPackageArn"]
    toy.sagemaker.create_model(
        ModelName="packaged", ExecutionRoleArn=toy.role, PrimaryContainer={"ModelPackageName": arn}
    )
    toy.config("packaged", {"packaged": 1.0})
    toy.sagemaker.create_endpoint(EndpointName="packaged", EndpointConfigName="packaged")

    status = toy.settled("packaged")["EndpointStatus"]

    toy.drop("packaged")
    assert status == "InService"


def test_rights_on_a_groups_packages_are_enough_for_them_and_for_no_others(
    boto: Boto, toy: Toy, group: str
) -> None:
    iam = boto("iam")
    iam.create_user(UserName="registrar")
    rights = [
        allow(
            ["sagemaker:*ModelPackage", "sagemaker:ListModelPackages"], f"{ARN}:model-package/wine-models/*"
        )
    ]
    iam.put_user_policy(
        UserName="registrar", PolicyName="p", PolicyDocument=json.dumps({"Statement": rights})
    )
    key = iam.create_access_key(UserName="registrar")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    user = boto("sagemaker", **keys)

    arn = user.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification(toy)
    )["ModelPackageArn"]  # fmt: skip
    user.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    listed = user.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    with pytest.raises(ClientError, match="AccessDenied"):
        user.describe_model_package(ModelPackageName=f"{ARN}:model-package/other/1")

    iam.delete_access_key(UserName="registrar", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="registrar", PolicyName="p")
    iam.delete_user(UserName="registrar")
    assert [entry["ModelApprovalStatus"] for entry in listed] == ["Approved"]


def test_a_stack_makes_a_group_and_takes_it_away(boto: Boto, local_aws: LocalAws) -> None:
    cloudformation = boto("cloudformation")
    group = {
        "Type": "AWS::SageMaker::ModelPackageGroup",
        "Properties": {"ModelPackageGroupName": "from-stack"},
    }
    names = ("ModelPackageGroupArn", "CreationTime", "ModelPackageGroupStatus")
    outputs = {name: {"Value": {"Fn::GetAtt": ["Group", name]}} for name in names}
    template = {"Resources": {"Group": group}, "Outputs": {**outputs, "Ref": {"Value": {"Ref": "Group"}}}}

    cloudformation.create_stack(StackName="registry", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="registry", WaiterConfig={"Delay": 1})
    told = cloudformation.describe_stacks(StackName="registry")["Stacks"][0]["Outputs"]
    there = [entry for entry in local_aws.inventory().resources if entry.kind == "model-package-group"]
    cloudformation.delete_stack(StackName="registry")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="registry", WaiterConfig={"Delay": 1})

    values = {output["OutputKey"]: output["OutputValue"] for output in told}
    assert values["Ref"] == values["ModelPackageGroupArn"] == f"{ARN}:model-package-group/from-stack"
    assert values["ModelPackageGroupStatus"] == "Completed"
    assert values["CreationTime"].startswith("20")
    assert [entry.name for entry in there] == ["from-stack"]
    assert not [entry for entry in local_aws.inventory().resources if entry.kind == "model-package-group"]
