"""What `slipway doctor` asks an account for Elastic Beanstalk, and what `slipway destroy` finds there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from slipway.environment_account import beanstalk_checks
from slipway.environment_removal import left_of, traces_of
from tests.unit.aws_answers import OUTPUTS, Answers, model, refused, secured

# --- the account


def listed(**states: str) -> dict[str, object]:
    return {
        "PlatformSummaryList": [
            {
                "PlatformVersion": version.removeprefix("v").replace("_", "."),
                "PlatformLifecycleState": state,
                "PlatformBranchLifecycleState": "Supported",
            }
            for version, state in states.items()
        ]
    }


def checked(aws: Answers, *models: object) -> list[tuple[bool, str, str]]:
    return [(check.ok, check.found, check.fix) for check in beanstalk_checks(aws, list(models))]


def test_a_platform_version_that_is_gone_is_told_with_the_current_one():
    answers = [{**listed(v4_14_0="Recommended"), "NextToken": "t"}, listed(v4_12_1="")]
    aws = Answers(list_platform_versions=answers)

    ((ok, found, fix),) = checked(aws, model(platform_version="4.13.7"))

    assert (ok, found) == (False, "4.13.7 is gone; AWS recommends 4.14.0")
    assert 'platform_version = "4.14.0" in [serve] of model_code/iris_forest/model.toml' in fix
    assert aws.asked[1][1]["NextToken"] == "t"


@pytest.mark.parametrize(("state", "found"), [("Recommended", "4.13.7"), ("", "4.13.7; AWS recommends none")])
def test_a_platform_version_that_is_there_is_well_recommended_or_not(state, found):
    aws = Answers(list_platform_versions=listed(v4_13_7=state))

    assert checked(aws, model(platform_version="4.13.7")) == [(True, found, "")]


def test_a_retired_platform_is_told():
    answer = listed(v4_13_7="Recommended")
    answer["PlatformSummaryList"][0]["PlatformBranchLifecycleState"] = "Retired"

    ((ok, found, _),) = checked(Answers(list_platform_versions=answer), model(platform_version="4.13.7"))

    assert not ok and "retired" in found


def certificate(**about: object) -> dict[str, object]:
    return {"Certificate": {"Status": "ISSUED", "DomainName": "forest.example.com", **about}}


@pytest.mark.parametrize(
    ("answer", "ok", "text"),
    [
        (certificate(), True, "issued"),
        (certificate(SubjectAlternativeNames=["*.example.com"]), True, "issued"),
        (certificate(Status="PENDING_VALIDATION"), False, "PENDING_VALIDATION"),
        (certificate(SubjectAlternativeNames=["*.com"]), False, "not for forest.example.com"),
        (refused("ResourceNotFoundException"), False, "ResourceNotFoundException"),
    ],
)
def test_a_certificate_has_to_be_issued_and_for_the_domain(answer, ok, text):
    platform = listed(v4_13_7="Recommended")
    aws = Answers("prod", list_platform_versions=platform, describe_certificate=answer)

    _, (found_ok, found, _) = checked(aws, secured())

    assert (found_ok, text in found) == (ok, True)


def test_a_certificate_of_another_region_is_told_before_anything_is_deployed():
    aws = Answers("prod", list_platform_versions=listed(v4_13_7="Recommended"))
    aws.session = SimpleNamespace(region_name="us-east-1")

    _, (ok, found, fix) = checked(aws, secured())

    assert (ok, found) == (False, "it is in eu-west-1, and the load balancer in us-east-1")
    assert "Request one in us-east-1" in fix


# --- destroy


def test_what_is_left_of_environments_that_are_gone_is_told_with_the_way_to_remove_it():
    aws = Answers(
        describe_environments={
            "Environments": [{"EnvironmentName": OUTPUTS["EnvironmentName"], "EnvironmentId": "e-abc"}]
        },
        describe_log_groups={"logGroups": [{"logGroupName": "/aws/elasticbeanstalk/x/y.log"}]},
        get_caller_identity={"Account": "123456789012"},
        list_objects_v2={"KeyCount": 2},
    )

    left = left_of(aws, traces_of(aws, ["slipway-dev-iris-forest"]))

    assert [what for what, _ in left] == [
        "log group /aws/elasticbeanstalk/x/y.log",
        "2 objects under s3://elasticbeanstalk-eu-west-1-123456789012/resources/environments/e-abc/",
    ]
    prefix = "/aws/elasticbeanstalk/slipway-dev-iris-forest-"
    assert ("describe_log_groups", {"logGroupNamePrefix": prefix}) in aws.asked
