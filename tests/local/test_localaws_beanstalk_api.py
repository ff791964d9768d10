"""What Elastic Beanstalk's API refuses, lists and allows, without an environment that runs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION
from tests.local.beanstalk_toy import PLATFORM, BeanstalkToy, option
from tests.local.toy import allow, policy

NAMESPACE = "arn:aws:elasticbeanstalk"
BRANCH = "Docker running on 64bit Amazon Linux 2023"
ASG = "aws:autoscaling:asg"


@pytest.fixture(scope="module")
def toy(beanstalk_toy: BeanstalkToy) -> BeanstalkToy:
    return beanstalk_toy


def refusal(toy: BeanstalkToy, operation: str, **request: Any) -> tuple[str, str]:
    """Code and message of an error."""
    with pytest.raises(ClientError) as refused:
        getattr(toy.eb, operation)(**request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("operation", "request_", "code", "words"),
    [
        ("create_application", {"ApplicationName": "toy"}, "InvalidParameterValue", "already exists"),
        ("update_application", {"ApplicationName": "no"}, "InvalidParameterValue",
         "No Application named 'no' found."),
        ("create_application_version",
         {"ApplicationName": "toy", "VersionLabel": "x",
          "SourceBundle": {"S3Bucket": "bundles", "S3Key": "none"}}, "InvalidParameterCombination",
         "Unable to download from S3 location (Bucket: bundles  Key: none). Reason: Not Found"),
        ("describe_environment_resources", {"EnvironmentName": "none"}, "InvalidParameterValue",
         "No Environment found for EnvironmentName = 'none'."),
        ("describe_configuration_settings", {"ApplicationName": "toy", "TemplateName": "no"},
         "InvalidParameterValue", "No Configuration Template named 'toy/no' found."),
        ("describe_platform_version", {"PlatformArn": PLATFORM + "0"}, "InvalidParameterValue",
         "No Platform named"),
        ("list_tags_for_resource", {"ResourceArn": "arn:aws:elasticbeanstalk:x"},
         "ResourceNotFoundException", "Resource not found"),
        ("restart_app_server", {}, "MissingParameter", "EnvironmentName or EnvironmentId"),
        ("create_platform_version", {"PlatformName": "p", "PlatformVersion": "1",
         "PlatformDefinitionBundle": {}}, "InvalidAction", "not part of the embedded AWS"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong(
    toy: BeanstalkToy, operation: str, request_: dict[str, Any], code: str, words: str
) -> None:
    told = refusal(toy, operation, **request_)

    assert told[0] == code
    assert words in told[1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"PlatformArn": PLATFORM + "0"}, "No Platform named"),
        ({"PlatformArn": None, "SolutionStackName": "64bit Amazon Linux 2018.03 v1 running Docker"},
         "No Solution Stack named"),
        ({"VersionLabel": "none"}, "No Application Version named 'none' found."),
        ({"EnvironmentName": "-env"}, "at 'EnvironmentName' failed to satisfy constraint"),
        ({"Tier": {"Name": "Worker", "Type": "SQS/HTTP"}}, "web server environments only"),
        ({"OptionSettings": [option(ASG, "MinSise", "1")]},
         f"Invalid option specification (Namespace: '{ASG}', OptionName: 'MinSise'): "
         "Unknown configuration setting."),
        ({"OptionSettings": [option("aws:none", "A", "1")]}, "Unknown configuration setting."),
        ({"OptionSettings": [option(ASG, "MinSize", "many")]}, "Invalid option value: 'many'"),
        ({"OptionSettings": [option(ASG, "MinSize", "-1")]}, "not between"),
        ({"OptionSettings": [option("aws:elasticbeanstalk:command", "DeploymentPolicy", "Slowly")]},
         "RollingWithAdditionalBatch"),
        ({"OptionSettings": [option("aws:autoscaling:launchconfiguration", "IamInstanceProfile", "nobody")]},
         "The instance profile nobody associated with the environment does not exist."),
        ({"OptionSettings": [option("aws:elasticbeanstalk:environment", "ServiceRole", "nobody")]},
         "The service role nobody does not exist."),
        ({"OptionSettings": [option("aws:elbv2:listener:443", "SSLCertificateArns",
          f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/1")]},
         f"The certificate is in eu-west-1, and a load balancer of {REGION} needs one of its own region."),
        ({"OptionSettings": [option("aws:elbv2:listener:443", "SSLCertificateArns",
          f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1")]}, "ACM has no such certificate"),
    ],
)  # fmt: skip
def test_an_environment_that_cannot_be_is_refused_and_nothing_is_made(
    toy: BeanstalkToy, changed: dict[str, Any], words: str
) -> None:
    request = {
        "ApplicationName": "toy", "EnvironmentName": "never", "VersionLabel": "one",
        "PlatformArn": PLATFORM, **changed,
    }  # fmt: skip

    _, message = refusal(
        toy, "create_environment", **{name: value for name, value in request.items() if value is not None}
    )

    assert words in message
    assert toy.existing() == []


def test_options_are_checked_without_an_environment(toy: BeanstalkToy) -> None:
    found = toy.eb.validate_configuration_settings(
        ApplicationName="toy", OptionSettings=[option(ASG, "MinSize", "1"), option(ASG, "No", "1")]
    )["Messages"]

    assert [(fault["Severity"], fault["OptionName"]) for fault in found] == [("error", "No")]


def test_an_application_s_versions_and_templates_come_and_go_with_their_tags(toy: BeanstalkToy) -> None:
    eb = toy.eb
    arn = eb.create_application(ApplicationName="brief", Tags=[{"Key": "a", "Value": "1"}])["Application"][
        "ApplicationArn"
    ]
    eb.update_tags_for_resource(ResourceArn=arn, TagsToAdd=[{"Key": "b", "Value": "2"}], TagsToRemove=["a"])
    bundle = {"S3Bucket": "bundles", "S3Key": "one.zip"}
    eb.create_application_version(ApplicationName="brief", VersionLabel="v", SourceBundle=bundle)
    eb.update_application_version(ApplicationName="brief", VersionLabel="v", Description="first")
    eb.create_configuration_template(
        ApplicationName="brief", TemplateName="t", PlatformArn=PLATFORM,
        OptionSettings=[option(ASG, "MinSize", "2")],
    )  # fmt: skip
    eb.update_configuration_template(
        ApplicationName="brief", TemplateName="t", OptionSettings=[option(ASG, "MaxSize", "3")]
    )

    [application] = eb.describe_applications(ApplicationNames=["brief"])["Applications"]
    [version] = eb.describe_application_versions(ApplicationName="brief")["ApplicationVersions"]
    [kept] = eb.describe_configuration_settings(ApplicationName="brief", TemplateName="t")[
        "ConfigurationSettings"
    ]
    values = {entry["OptionName"]: entry["Value"] for entry in kept["OptionSettings"]}
    assert (application["Versions"], application["ConfigurationTemplates"]) == (["v"], ["t"])
    assert (version["Description"], version["SourceBundle"]) == ("first", bundle)
    assert (values["MinSize"], values["MaxSize"]) == ("2", "3")
    assert eb.list_tags_for_resource(ResourceArn=arn)["ResourceTags"] == [{"Key": "b", "Value": "2"}]

    eb.delete_configuration_template(ApplicationName="brief", TemplateName="t")
    eb.delete_application_version(ApplicationName="brief", VersionLabel="v")
    eb.delete_application(ApplicationName="brief")
    eb.delete_application(ApplicationName="brief")  # what is gone may be deleted again
    assert eb.describe_applications(ApplicationNames=["brief"])["Applications"] == []


def test_a_version_s_bundle_goes_with_it_where_that_is_asked(toy: BeanstalkToy) -> None:
    toy.s3.put_object(Bucket="bundles", Key="brief.zip", Body=b"zip")
    toy.version("brief", "brief")

    toy.eb.delete_application_version(ApplicationName="toy", VersionLabel="brief", DeleteSourceBundle=True)

    assert "brief.zip" not in [entry["Key"] for entry in toy.s3.list_objects_v2(Bucket="bundles")["Contents"]]


def test_the_newest_platform_is_the_recommended_one(toy: BeanstalkToy) -> None:
    filters = [
        {"Type": "PlatformBranchName", "Operator": "=", "Values": [BRANCH]},
        {"Type": "PlatformLifecycleState", "Operator": "=", "Values": ["Recommended"]},
    ]

    [found] = toy.eb.list_platform_versions(Filters=filters)["PlatformSummaryList"]
    described = toy.eb.describe_platform_version(PlatformArn=found["PlatformArn"])["PlatformDescription"]

    assert found["PlatformArn"] == PLATFORM
    assert described["SolutionStackName"] == toy.eb.list_available_solution_stacks()["SolutionStacks"][0]
    assert toy.eb.list_platform_branches()["PlatformBranchSummaryList"][0]["BranchName"] == BRANCH
    other = [{"Type": "PlatformBranchName", "Operator": "begins_with", "Values": ["Python"]}]
    assert toy.eb.list_platform_versions(Filters=other)["PlatformSummaryList"] == []


def user(toy: BeanstalkToy, name: str, actions: list[str], resource: str) -> Any:
    """A client with these rights alone."""
    toy.iam.create_user(UserName=name)
    toy.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy([allow(actions, resource)]))
    key = toy.iam.create_access_key(UserName=name)["AccessKey"]
    return toy.boto(
        "elasticbeanstalk",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def test_a_right_on_one_environment_is_none_on_another(toy: BeanstalkToy) -> None:
    mine = f"{NAMESPACE}:{REGION}:{ACCOUNT}:environment/toy/mine"
    client = user(toy, "limited", ["elasticbeanstalk:*"], mine)

    asked = {"ApplicationName": "toy", "EnvironmentNames": ["mine"]}
    assert client.describe_environments(**asked)["Environments"] == []
    with pytest.raises(ClientError, match="AccessDenied"):
        client.describe_environments(ApplicationName="toy", EnvironmentNames=["mine", "yours"])
    with pytest.raises(ClientError) as denied:
        client.create_environment(ApplicationName="toy", EnvironmentName="yours", VersionLabel="one")

    error = denied.value.response["Error"]
    assert error["Code"] == "AccessDenied"
    yours = f"{NAMESPACE}:{REGION}:{ACCOUNT}:environment/toy/yours"
    assert (
        f"is not authorized to perform: elasticbeanstalk:CreateEnvironment on resource: {yours}"
        in (error["Message"])
    )
    with pytest.raises(ClientError, match="AccessDenied"):
        client.create_application(ApplicationName="mine")
